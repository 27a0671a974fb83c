# Makes one JSON object of each line of nginx' logs, and takes out of it what opens a door or says who somebody is.
# Of what nginx and the firewall say only what is named here is kept: nothing that people sent, but paths without secrets.

# Whatever these bytes were: a line is JSON, which is UTF-8, and no path of ours has them.
s#[\x80-\xFF]#?#g

# What is of interest to nginx alone.
/^[0-9/]+ [0-9:]+ \[(debug|info|notice)\] /{
/ModSecurity: (Warning|Access)/!d
}

# The firewall: a rule that matched ("matched"), or the rule that decided on the sum of them ("blocked").
/^[0-9/]+ [0-9:]+ \[[a-z]+\] .*ModSecurity: (Warning|Access)/{
s#\[data "(Matched Data: .* found within ([A-Z_]+(:[A-Za-z0-9_.-]{1,64})?): )?.*(\[hostname ")#[where "\2"] \4#
s#^(.*against variable `([A-Z_]+(:[A-Za-z0-9_.-]{1,64})?)' .*)\[where ""\]#\1[where "\2"]#
s#(\[where "[A-Z_]+_NAMES):[^"]*#\1#
s#^([0-9]+)/([0-9]+)/([0-9]+) ([0-9:]+) (.*)$#"time":"\1-\2-\3T\4Z",\5#
s#^("time":"[^"]*",).*: Access denied with code ([0-9]+).*(\[id ")#\1"event":"blocked","status":\2,\3#
s#^("time":"[^"]*",)[^"].*(\[id ")#\1"event":"matched",\2#
s#\[id "([0-9]+)"\].* \[msg "([^"\\]*)[^]]*\]#"rule":\1,"message":"\2",#
s#"message":"([^"]*Score: ([0-9]+)[^"]*)",#"message":"\1","score":\2,#
s#^(.*"message":"[^"]*",("score":[0-9]+,)?).*\[where "([^"]*)"\]#\1"where":"\3",#
s#,"where":""##
s#^(.*)\[hostname ".*\[uri "([^"\\]*)[^]]*\] \[unique_id "([^"\\]*)".*#{\1"edge":"${NAME}","path":"\2","request_id":"\3"}#
# Cut off by nginx at 2 kB: its rule stands before, its request does not.
s#^("time":"[^"]*",("[a-z]+":("[^"]*"|[0-9]+),)*).*#{\1"edge":"${NAME}"}#
s#, *"#,"#g
}

# nginx itself.
/^[0-9/]+ [0-9:]+ \[/{
s#, client: .*##
s#["\\]#'#g
s#[^ /']+@[^ /']+#***#g
s#/[a-z0-9]+-[A-Za-z0-9_-]{8,}#/***#g
s#^([0-9]+)/([0-9]+)/([0-9]+) ([0-9:]+) \[([a-z]+)\] [0-9\#]+: (\*[0-9]+ )?(.*)$#{"time":"\1-\2-\3T\4Z","event":"nginx","edge":"${NAME}","level":"\5","message":"\7"}#
}

# Paths: secrets of links, of invitations, of what mails lead to; handles of sign-ins; addresses of people.
s#("path":"/r/[^/"\\-]+)-(\\.|[^"\\/])*#\1-***#
s#("path":"/[a-z0-9]+)-[A-Za-z0-9_-]{8,}(\\.|[^"\\/])*#\1-***#
s#("path":"/w/[^/"\\]+/(join|reset|confirm)/)(\\.|[^"\\])+#\1***#
s#("path":"/saml/[^/"\\]+/go/)(\\.|[^"\\])+#\1***#
s#("path":"[^"\\@]*/)[^/"\\@]*(@|%40)(\\.|[^"\\/])*#\1***#
