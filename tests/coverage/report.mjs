// report.mjs BUILD [FAILED]: what gcov counted of the files in tests/coverage/files,
// held against tests/coverage/exceptions. Ends with a table, and with
// "N passed, N failed": a file passes if each of its branches was taken or is
// excepted, and each of its functions was called; FAILED is added to those that
// failed. Exit code 1 if there are such, 2 if nothing could be said.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname } from "node:path";

const FOLDER = "tests/coverage";

function die(message) {
	console.error(`report.mjs: ${message}`);
	process.exit(2);
}

function readLines(path) {
	return readFileSync(path, "utf8").split("\n");
}

function expand(pattern) {
	const folder = dirname(pattern);
	const parts = basename(pattern).split("*");

	return readdirSync(folder).filter((name) =>
		parts.length === 1 ? name === parts[0] :
			name.startsWith(parts[0]) && name.endsWith(parts.at(-1)))
		.sort().map((name) => `${folder}/${name}`);
}

// [{file, functions: all of them if empty}]
function readFiles() {
	const scopes = [];

	for (const line of readLines(`${FOLDER}/files`)) {
		if (line === "" || line.startsWith("#"))
			continue;
		const [pattern, ...functions] = line.split(" ");
		const files = expand(pattern);

		if (files.length === 0)
			die(`${FOLDER}/files names ${pattern}, which is not there`);
		for (const file of files) {
			if (scopes.some((s) => s.file === file))
				die(`${FOLDER}/files names ${file} twice`);
			scopes.push({ file, functions });
		}
	}
	return scopes;
}

function readExceptions() {
	const exceptions = [];
	let last;

	for (const line of readLines(`${FOLDER}/exceptions`)) {
		const head = /^(\S+) (\S+) ([1-9][0-9]*)$/.exec(line);

		if (line === "" || line.startsWith("#")) {
			continue;
		} else if (head) {
			last = { file: head[1], name: head[2], count: Number(head[3]),
				text: "", reason: "" };
			exceptions.push(last);
		} else if (line.startsWith("\t- ") && last?.text) {
			last.reason += line.slice(3);
		} else if (line.startsWith("\t") && last?.reason) {
			last.reason += line;
		} else if (line.startsWith("\t") && last?.text === "") {
			last.text = line.trim();
		} else {
			die(`${FOLDER}/exceptions has a line that is none: "${line}"`);
		}
	}
	for (const e of exceptions)
		if (!e.text || !e.reason.trim())
			die(`${FOLDER}/exceptions gives no reason for ${e.file} ${e.name}`);
	return exceptions;
}

// What gcov knows of a source that was compiled once.
function count(build, file) {
	const object = `${build}/obj/${file.replace(/\.c$/, "")}`;

	if (!existsSync(`${object}.gcno`))
		die(`${object}.gcno is missing: "make coverage" builds it`);
	let text;
	try {
		text = execFileSync("gcov", ["--json-format", "--stdout",
			"--branch-probabilities", `${object}.gcda`],
		{ encoding: "utf8", maxBuffer: 1 << 28 });
	} catch (e) {
		die(`gcov: ${e.message}`);
	}

	return JSON.parse(text).files.find((f) => f.file === file) ??
		die(`gcov says nothing of ${file}`);
}

// {branches, taken, missed: [{name, number, text, total, count}]}
function examine(build, { file, functions }) {
	const source = readLines(file);
	const counted = count(build, file);
	const known = counted.functions.map((f) => f.name);
	const seen = { branches: 0, taken: 0, missed: [] };

	for (const name of functions)
		if (!known.includes(name))
			die(`${FOLDER}/files: ${file} has no function ${name}`);
	const wanted = (name) => functions.length === 0 || functions.includes(name);

	const branching = counted.lines.filter((l) => l.branches.length > 0)
		.map((l) => l.function_name);

	// of others, their branches tell
	for (const f of counted.functions)
		if (wanted(f.name) && f.execution_count === 0 &&
			!branching.includes(f.name))
			seen.missed.push({ name: f.name, number: f.start_line,
				text: "(it is never called)", total: 1, count: 1 });
	for (const line of counted.lines) {
		if (!wanted(line.function_name) || line.branches.length === 0)
			continue;
		const total = line.branches.length;
		const taken = line.branches.filter((b) => b.count > 0).length;

		seen.branches += total;
		seen.taken += taken;
		if (taken < total)
			seen.missed.push({ name: line.function_name,
				number: line.line_number,
				text: source[line.line_number - 1].trim(),
				total, count: total - taken });
	}
	return seen;
}

// Takes what is excepted out of seen.missed; returns how many branches that
// is. Lines of a function that are alike are one.
function except(exceptions, file, seen) {
	const missedOf = (e) => seen.missed.filter((m) =>
		m.name === e.name && m.text === e.text);
	let excepted = 0;

	for (const e of exceptions.filter((x) => x.file === file)) {
		const sum = missedOf(e).reduce((n, m) => n + m.count, 0);

		e.found = sum;
		if (sum !== e.count)
			continue;
		excepted += sum;
		const gone = missedOf(e);
		seen.missed = seen.missed.filter((m) => !gone.includes(m));
	}
	return excepted;
}

function row(name, ...numbers) {
	return name.padEnd(30) + numbers.map((n) => String(n).padStart(10)).join("");
}

const [, , build, failedBefore = "0"] = process.argv;

if (!build || build.startsWith("-"))
	die("usage: report.mjs BUILD [FAILED]");
const exceptions = readExceptions();
let passed = 0, failed = Number(failedBefore);
const sums = [0, 0, 0, 0];

console.log(row("file", "branches", "taken", "excepted", "missing"));
for (const scope of readFiles()) {
	const seen = examine(build, scope);
	const excepted = except(exceptions, scope.file, seen);
	const missing = seen.missed.reduce((n, m) => n + m.count, 0);
	const wrong = exceptions.filter((e) =>
		e.file === scope.file && e.found !== e.count);
	const figures = [seen.branches, seen.taken, excepted, missing];

	console.log(row(scope.file, ...figures));
	figures.forEach((n, i) => sums[i] += n);
	for (const m of seen.missed)
		console.log(`    ${m.number} ${m.name}: ${m.count} of ${m.total}: ` +
			m.text);
	for (const e of wrong)
		console.log(`    the exception of ${e.name} says ${e.count}, and it ` +
			`is ${e.found}: ${e.text}`);
	if (missing === 0 && wrong.length === 0)
		passed++;
	else
		failed++;
}
for (const e of exceptions.filter((x) => x.found === undefined)) {
	console.log(`    the exception of ${e.name} is of no file that counts: ` +
		e.file);
	failed++;
}
console.log(row("all", ...sums));
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
