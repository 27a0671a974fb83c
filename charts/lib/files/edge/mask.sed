# Takes out of a line of log what opens a door: the secret of a link, and every value of a query.
s#(/r/[A-Za-z0-9]+)-[A-Za-z0-9_-]+#\1-***#g
s#(GET|HEAD|POST|PUT|PATCH|DELETE) (/[a-z0-9]+)-[A-Za-z0-9_-]{8,}#\1 \2-***#g
s#(\[uri "/[a-z0-9]+)-[A-Za-z0-9_-]{8,}#\1-***#g
s#(\?|&)([A-Za-z_]+)=[^& "]*#\1\2=***#g
s#found within ([A-Z_:]+[A-Za-z0-9_.-]*): .*#found within \1: ***#g
s#\[data "[^]]*"\]#[data "***"]#g
s#referrer: "([^?"]*)\?[^"]*"#referrer: "\1"#g
