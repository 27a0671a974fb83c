# Passes each line of the masked log on, and counts: what was answered and by whom, how long it took, what the firewall
# said. At a line "tick" the sums go into ${RUN}/metrics, which nginx shows on a port that only the inside reaches.
# Labels are words of ours. Each has its series from the beginning, so that the first of its kind counts as a rise.

BEGIN {
    split("0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 10 +Inf", bounds, " ")
    split("warn error crit alert emerg", levels, " ")
    split("1xx 2xx 3xx 4xx 5xx", classes, " ")
    # The rules of the firewall by the beginning of their numbers: a file of the Core Rule Set each, and our own.
    split("100 own,911 method,913 scanner,920 protocol,921 smuggling,922 multipart,930 file,931 remote-file,932 command," \
        "933 php,934 code,941 xss,942 sql,943 session,944 java", rules, ",")
    for (n in rules) { split(rules[n], one, " "); family[one[1]] = one[2]; families[one[2]] }
    families["other"]
    write()
}

$0 == "tick" { write(); next }

{ event = of("event") }

event == "scraped" { connections = of("connections"); next }

event == "request" {
    class = substr(of("status"), 1, 1) "xx"
    requests[of("by"), class]++
    bytes += of("bytes")
    path = of("path")
    if (path !~ /\/events$/) {  # streams last as long as somebody looks
        took = of("seconds")
        for (n = 1; bounds[n] != "+Inf" && took + 0 > bounds[n] + 0; n++) ;
        buckets[n]++
        sum += took
    }
    forget(of("request_id"))
}

event == "matched" {
    found = of_rule(of("rule"))
    matched[found]++
    remember(of("request_id"), found)
}

# What decides is the sum of what matched: the last of that says what it was about, attacks come after formalities.
event == "blocked" {
    rule = of("rule")
    id = of("request_id")
    blocked[rule !~ /^9[45]9/ ? of_rule(rule) : id in last ? last[id] : "other"]++
}

event == "nginx" { said[of("level")]++ }

{ print; fflush() }

# What a line says by a name, without quotes; nothing where it does not.
function of(name,    at, rest) {
    at = index($0, "\"" name "\":")
    if (!at) return ""
    rest = substr($0, at + length(name) + 3)
    if (sub(/^"/, "", rest)) sub(/".*/, "", rest); else sub(/[,}].*/, "", rest)
    return rest
}

function of_rule(number) {
    return substr(number, 1, 3) in family ? family[substr(number, 1, 3)] : "other"
}

# What matched in a request, until it is answered. None is forgotten for ever, should answers not be heard of.
function remember(id, what) {
    if (id == "") return
    if (!(id in last) && ++remembered > 10000) { split("", last); remembered = 1 }
    last[id] = what
}

function forget(id) {
    if (id in last) { delete last[id]; remembered-- }
}

function write(    n, c, by, all, out, word) {
    out = "${RUN}/metrics.new"
    head("cellcast_edge_requests_total", "counter", "Requests, by who answered (the edge itself, what is behind it) and how")
    split("edge behind", by, " ")
    for (n = 1; n <= 2; n++) for (c = 1; c <= 5; c++)
        printf "cellcast_edge_requests_total{by=\"%s\",status=\"%s\"} %.0f\n", by[n], classes[c], requests[by[n], classes[c]] >out
    head("cellcast_edge_request_seconds", "histogram", "From a request's first byte to its answer's last, without streams")
    for (n = 1; n <= 11; n++)
        printf "cellcast_edge_request_seconds_bucket{le=\"%s\"} %.0f\n", bounds[n], all += buckets[n] >out
    printf "cellcast_edge_request_seconds_sum %.3f\ncellcast_edge_request_seconds_count %.0f\n", sum, all >out
    head("cellcast_edge_sent_bytes_total", "counter", "Bytes of answers")
    printf "cellcast_edge_sent_bytes_total %.0f\n", bytes >out
    head("cellcast_edge_connections", "gauge", "Connections of clients, as of the last scrape")
    printf "cellcast_edge_connections %.0f\n", connections >out
    head("cellcast_edge_matched_total", "counter", "Rules of the firewall that matched, by their family")
    for (word in families) printf "cellcast_edge_matched_total{family=\"%s\"} %.0f\n", word, matched[word] >out
    head("cellcast_edge_blocked_total", "counter", "Requests that the firewall refused, by what it took them for")
    for (word in families) printf "cellcast_edge_blocked_total{family=\"%s\"} %.0f\n", word, blocked[word] >out
    head("cellcast_edge_said_total", "counter", "Lines that nginx itself wrote, by how bad it is")
    for (n = 1; n <= 5; n++) printf "cellcast_edge_said_total{level=\"%s\"} %.0f\n", levels[n], said[levels[n]] >out
    head("process_start_time_seconds", "gauge", "When this edge started, unix seconds")
    printf "process_start_time_seconds %.0f\n", started >out
    close(out)
    system("mv -f ${RUN}/metrics.new ${RUN}/metrics")  # whoever reads gets one or the other whole
}

function head(name, kind, words) {
    printf "# HELP %s %s\n# TYPE %s %s\n", name, words, name, kind >"${RUN}/metrics.new"
}
