# plot.awk: three pictures side by side, as SVG, of the lines that growth.sh
# keeps: withdrawals a second and p99 over connections, and processor time for
# one over accounts. All axes but the first picture's upright one are
# logarithmic.

# a logarithm of anything else would never end a loop
NF != 5 || $3 <= 0 || $4 <= 0 || $5 <= 0 {
	print "plot.awk: not a measurement: " $0 >"/dev/stderr"
	failed = 1
	exit 1
}
$1 == "connections" {
	add(1, $2, $3, $4)
	add(2, $2, $3, $5 / 1000)
}
$1 == "accounts" { add(3, "withdrawd", $2, $3) }

function add(p, who, x, y) {
	if (!((p, who) in n))
		series[p, ++nseries[p]] = who
	n[p, who]++
	px[p, who, n[p, who]] = x
	py[p, who, n[p, who]] = y
	if (!(p in left) || x < left[p]) left[p] = x
	if (x > right[p]) right[p] = x
	if (!(p in low) || y < low[p]) low[p] = y
	if (y > high[p]) high[p] = y
}

function log10(v) { return log(v) / log(10) }

function at_x(p, x,  from, to) {
	from = log10(left[p]) - 0.1
	to = log10(right[p]) + 0.1
	return (p - 1) * 400 + 70 + (log10(x) - from) / (to - from) * 300
}

function at_y(p, y,  from, to) {
	if (p == 2) {
		from = log10(low[p]) - 0.1
		to = log10(high[p]) + 0.1
		return 290 - (log10(y) - from) / (to - from) * 240
	}
	return 290 - y / (high[p] * 1.1) * 240
}

function text(x, y, anchor, s) {
	printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n",
		x, y, anchor, s
}

function rule(x1, y1, x2, y2) {
	printf "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#ccc\"/>\n",
		x1, y1, x2, y2
}

function short(v) {
	if (v >= 1e6) return sprintf("%gM", v / 1e6)
	if (v >= 1e4) return sprintf("%gk", v / 1e3)
	return sprintf("%g", v)
}

# 1, 2 or 5 times a power of ten, so that there are some five of them
function step_of(most,  unit) {
	unit = 10 ^ int(log10(most / 5) + 100) / 1e100
	return unit * ((most / unit > 25) ? 5 : (most / unit > 10) ? 2 : 1)
}

function axes(p, title,  v, k, i, mark) {
	text((p - 1) * 400 + 220, 30, "middle", title)
	rule((p - 1) * 400 + 70, 290, (p - 1) * 400 + 370, 290)
	rule((p - 1) * 400 + 70, 50, (p - 1) * 400 + 70, 290)
	if (p == 2) {
		for (v = 10 ^ int(log10(low[p]) - 3); v <= high[p]; v *= 10)
			for (k = 1; k <= 5; k += (k == 1) ? 1 : 3)
				if (v * k >= low[p] * 0.8 && v * k <= high[p] * 1.25)
					mark[++i] = v * k
	} else {
		for (v = 0; v <= high[p] * 1.1; v += step_of(high[p]))
			mark[++i] = v
	}
	for (k = 1; k <= i; k++) {
		v = at_y(p, mark[k])
		rule((p - 1) * 400 + 70, v, (p - 1) * 400 + 370, v)
		text((p - 1) * 400 + 64, v + 4, "end", short(mark[k]))
	}
}

function lines(p,  s, i, who) {
	for (s = 1; s <= nseries[p]; s++) {
		who = series[p, s]
		printf "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"",
			colour[s]
		for (i = 1; i <= n[p, who]; i++)
			printf "%.1f,%.1f ", at_x(p, px[p, who, i]), at_y(p, py[p, who, i])
		print "\"/>"
		for (i = 1; i <= n[p, who]; i++) {
			printf "<circle r=\"3\" cx=\"%.1f\" cy=\"%.1f\" fill=\"%s\"/>\n",
				at_x(p, px[p, who, i]), at_y(p, py[p, who, i]), colour[s]
			if (s == 1)
				text(at_x(p, px[p, who, i]), 308, "middle",
					short(px[p, who, i]))
		}
	}
}

END {
	if (failed || !nseries[1] || !nseries[3])
		exit 1
	split("#0b62c4 #6f42c1 #2e8b57 #c4560b #8a1f4d", colour, " ")
	print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1200 350\" font-family=\"sans-serif\" font-size=\"12\">"
	print "<rect width=\"1200\" height=\"350\" fill=\"#fff\"/>"
	axes(1, "withdrawals a second, over connections")
	axes(2, "p99 of a withdrawal in ms, over connections")
	axes(3, "CPU of one in us, over accounts")
	for (p = 1; p <= 3; p++)
		lines(p)
	for (s = 1; s <= nseries[1]; s++) {
		printf "<rect x=\"%d\" y=\"330\" width=\"12\" height=\"4\" fill=\"%s\"/>\n",
			(s - 1) * 220 + 70, colour[s]
		text((s - 1) * 220 + 88, 336, "start", series[1, s])
	}
	print "</svg>"
}
