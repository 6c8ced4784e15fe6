/* What kin expect tells of a broken expectation: to a person, as TAP and as JUnit XML. */
#include "expect_history.h"
#include "tap.h"

#include "expect/tell.h"

#define MOST 8

/* Check expressions and write the report with one of the writers. */
static void report(struct text *text, void (*write)(struct text *, const struct report *),
	const struct history *history, const char *const *sources, size_t count, const char *broken)
{
	struct told told[MOST] = { 0 };
	struct expect_error error;
	for (size_t i = 0; i < count; i++) {
		if (expectation_parse(&told[i].expectation, sources[i], strlen(sources[i]), &error) < 0) {
			tap_ok(false, "parses %s: %s", sources[i], error.message);
			count = i;
		} else if (!broken) {
			expectation_check(told[i].expectation, history, &told[i].outcome);
		}
	}
	struct report all = { .title = "kin expect prog <-x>",
		.history = history,
		.told = told,
		.count = count,
		.broken = broken };
	text_clear(text);
	write(text, &all);
	for (size_t i = 0; i < count; i++) {
		expectation_destroy(told[i].expectation);
		outcome_finish(&told[i].outcome);
	}
}

static void tells(const struct history *history, const char *source, const char *want)
{
	struct text text = { 0 };
	report(&text, tell_report, history, &source, 1, NULL);
	tap_is_string(text_string(&text), want, source);
	text_finish(&text);
}

static void make(struct family *family)
{
	family_begin(family, "ptrace,seccomp", "all");
	birth_of_prog(family);
	runs(family, 1, "./prog", "/tmp/prog", "./prog -x");
	birth(family, 1, CALL_CLONE3, FLAGS_PTHREAD, 100);
	named(family, 2, "worker");
	birth(family, 1, CALL_CLONE, FLAGS_FORK, 0);
	runs(family, 3, "/bin/sh", "/usr/bin/dash", "sh -c ls\n<&>");
	signalled(family, 3, 13, 0);
	fails(family, 3, CALL_EXECVE, ENOENT, "/usr/local/bin/ls");
	exits_with(family, 2, 0, false, 3, 0);
	exits_with(family, 3, 13, true, 0, 1500);
	exits_with(family, 1, 1, false, 0, 2048);
	family_end(family, 0);
}

static void check_person(const struct history *history)
{
	tells(history, "threads == 1", "");
	tells(history, "threads == 2 && faults.major == 0",
		"kin expect: not held: threads == 2 && faults.major == 0\n"
		"  threads = 1, faults.major = 3\n"
		"  thread 101 worker, made by clone3 in task 100\n"
		"  thread 101 worker: faults.major = 3\n");
	tells(history, "threads == 1 && faults.major == 0 && faults.major < 1",
		"kin expect: not held: threads == 1 && faults.major == 0 && faults.major < 1\n"
		"  threads = 1, faults.major = 3\n"
		"  thread 101 worker: faults.major = 3\n");
	tells(history, "exit == 0 || wall < 1us",
		"kin expect: not held: exit == 0 || wall < 1us\n"
		"  exit = 1, wall = 10ms\n"
		"  process 100 prog: exit = 1\n");
	tells(history, "all(exit == 0)",
		"kin expect: not held: all(exit == 0)\n"
		"  process 100 prog: exit = 1\n"
		"  process 102 sh: exit = 141\n");
	tells(history, "none(signal == SIGPIPE && cpu > 0)",
		"kin expect: not held: none(signal == SIGPIPE && cpu > 0)\n"
		"  process 102 sh: signal = SIGPIPE, cpu = 4ms\n");
}

static void check_calls(const struct history *history)
{
	tells(history, "any(clone.flags has CLONE_VFORK)",
		"kin expect: not held: any(clone.flags has CLONE_VFORK)\n"
		"  thread 101 worker: clone.flags = "
		"CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM|"
		"CLONE_SETTLS|CLONE_PARENT_SETTID|CLONE_CHILD_CLEARTID\n"
		"  process 102 sh: clone.flags = CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID\n");
	tells(history, "exec(\"sh\").count == 0",
		"kin expect: not held: exec(\"sh\").count == 0\n"
		"  exec(\"sh\").count = 1\n"
		"  process 102 sh ran /bin/sh -c ls?<&>\n");
	tells(history, "none(exec.argv has '-c' && exit > 0)",
		"kin expect: not held: none(exec.argv has '-c' && exit > 0)\n"
		"  process 102 sh ran /bin/sh -c ls?<&>: exit = 141\n");
	tells(history, "failed == 0",
		"kin expect: not held: failed == 0\n"
		"  failed = 1\n"
		"  process 102 sh: execve of /usr/local/bin/ls failed with ENOENT\n");
	tells(history, "signals == 0",
		"kin expect: not held: signals == 0\n"
		"  signals = 1\n"
		"  process 102 sh received SIGPIPE\n");
}

static void check_numbers(const struct history *history)
{
	tells(history, "maxrss < 1MiB",
		"kin expect: not held: maxrss < 1MiB\n"
		"  maxrss = 2MiB\n"
		"  process 100 prog: maxrss = 2MiB\n");
	tells(history, "process('sh').maxrss < 1000KiB",
		"kin expect: not held: process('sh').maxrss < 1000KiB\n"
		"  process('sh').maxrss = 1500KiB\n"
		"  process 102 sh: maxrss = 1500KiB\n");
	tells(history, "count(exit != 0) / 2 > 1.5",
		"kin expect: not held: count(exit != 0) / 2 > 1.5\n"
		"  count(exit != 0) = 2\n"
		"  process 100 prog: exit = 1\n"
		"  process 102 sh: exit = 141\n");
	tells(history, "!(threads == 1)",
		"kin expect: not held: !(threads == 1)\n"
		"  threads = 1\n"
		"  thread 101 worker, made by clone3 in task 100\n");
	tells(history, "1 / exit == 1 && faults.cow == 0",
		"kin expect: cannot tell: 1 / exit == 1 && faults.cow == 0\n"
		"  exit = 1, faults.cow = not known\n"
		"  because causes of page faults are not in the recording\n"
		"  process 100 prog: faults.cow = not known\n"
		"  thread 101 worker: faults.cow = not known\n"
		"  process 102 sh: faults.cow = not known\n"
		"  not seen here: signals of the dead\n");
}

static void check_reasons(const struct history *history)
{
	tells(history, "signal == 0 && 1 / (exit - 1) == 1 && stops == 0 && 1 % 0 == 0",
		"kin expect: cannot tell: signal == 0 && 1 / (exit - 1) == 1 && stops == 0 && 1 % 0 == 0\n"
		"  signal = 0, exit = 1, stops = 0\n"
		"  because division by zero\n");
	tells(history, "1 / (exit - 1) == 1",
		"kin expect: cannot tell: 1 / (exit - 1) == 1\n"
		"  exit = 1\n"
		"  because division by zero\n");
	tells(history, "9223372036854775807 + exit > 0",
		"kin expect: cannot tell: 9223372036854775807 + exit > 0\n"
		"  exit = 1\n"
		"  because the number is too large\n");
	tells(history, "task('nobody').threads == 0",
		"kin expect: cannot tell: task('nobody').threads == 0\n"
		"  task('nobody').threads = not known\n"
		"  because nothing matches the pattern\n");
}

static void check_many(void)
{
	struct family family;
	struct text text = { 0 };
	const char *source = "threads < 5";
	family_begin(&family, "ptrace", "all");
	birth_of_prog(&family);
	for (int i = 0; i < 25; i++)
		birth(&family, 1, CALL_CLONE3, FLAGS_PTHREAD, 100);
	family_end(&family, 0);
	report(&text, tell_report, &family.history, &source, 1, NULL);
	tap_has(text_string(&text), "  threads = at least 25\n", "what is left running may have made more");
	tap_has(text_string(&text), "  thread 110 ", "ten tasks are told");
	tap_ok(!strstr(text_string(&text), "  thread 111 "), "an eleventh is not");
	tap_has(text_string(&text), "  and 15 more\n", "the others are counted");
	report(&text, tap_report, &family.history, &source, 1, NULL);
	tap_has(text_string(&text), "  more_tasks: 15\n", "in TAP too");
	report(&text, junit_report, &family.history, &source, 1, NULL);
	tap_has(text_string(&text), "and 15 more\n</failure>", "in JUnit too");
	text_finish(&text);
	family_finish(&family);
}

static void check_tap(const struct history *history)
{
	struct text text = { 0 };
	const char *const sources[] = { "threads == 1", "any(name == 'a#\\b' || name == \"q\")",
		"faults.cow == 0" };
	report(&text, tap_report, history, sources, 3, NULL);
	tap_is_string(text_string(&text),
		"TAP version 14\n"
		"1..3\n"
		"ok 1 - threads == 1\n"
		"not ok 2 - any(name == 'a\\#\\\\b' || name == \"q\")\n"
		"  ---\n"
		"  message: \"not held\"\n"
		"  tasks:\n"
		"    - \"process 100 prog: name = \\\"prog\\\"\"\n"
		"    - \"thread 101 worker: name = \\\"worker\\\"\"\n"
		"    - \"process 102 sh: name = \\\"sh\\\"\"\n"
		"  ...\n"
		"not ok 3 - faults.cow == 0\n"
		"  ---\n"
		"  message: \"cannot tell\"\n"
		"  reason: \"causes of page faults are not in the recording\"\n"
		"  values:\n"
		"    \"faults.cow\": \"not known\"\n"
		"  tasks:\n"
		"    - \"process 100 prog: faults.cow = not known\"\n"
		"    - \"thread 101 worker: faults.cow = not known\"\n"
		"    - \"process 102 sh: faults.cow = not known\"\n"
		"  ...\n",
		"TAP");
	report(&text, tap_report, history, sources, 1, "x: not\nfound");
	tap_is_string(text_string(&text), "TAP version 14\n1..1\nBail out! x: not found\n", "TAP of no run");
	text_finish(&text);
}

static void check_junit(const struct history *history)
{
	struct text text = { 0 };
	const char *const sources[] = { "threads == 1", "exec('sh').count == 0",
		"faults.cow < 1 || exit in (0, 2)", "any(name == '\xff\x01<&\">\xef\xbf\xbe\xc3\xa4')" };
	report(&text, junit_report, history, sources, 4, NULL);
	tap_is_string(text_string(&text),
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<testsuites tests=\"4\" failures=\"2\" errors=\"1\" skipped=\"0\" time=\"0.013000\">\n"
		"  <testsuite name=\"kin expect prog &lt;-x&gt;\" tests=\"4\" failures=\"2\" errors=\"1\" "
		"skipped=\"0\" "
		"time=\"0.013000\">\n"
		"    <testcase classname=\"kin.expect\" name=\"threads == 1\"/>\n"
		"    <testcase classname=\"kin.expect\" name=\"exec('sh').count == 0\">\n"
		"      <failure message=\"not held\" type=\"not held\">exec('sh').count = 1\n"
		"process 102 sh ran /bin/sh -c ls?&lt;&amp;&gt;\n"
		"</failure>\n"
		"    </testcase>\n"
		"    <testcase classname=\"kin.expect\" name=\"faults.cow &lt; 1 || exit in (0, 2)\">\n"
		"      <error message=\"causes of page faults are not in the recording\" type=\"cannot "
		"tell\">"
		"faults.cow = not known\n"
		"exit = 1\n"
		"process 100 prog: faults.cow = not known\n"
		"thread 101 worker: faults.cow = not known\n"
		"process 102 sh: faults.cow = not known\n"
		"</error>\n"
		"    </testcase>\n"
		"    <testcase classname=\"kin.expect\" name=\"any(name == "
		"'??&lt;&amp;&quot;&gt;?\xc3\xa4')\">\n"
		"      <failure message=\"not held\" type=\"not held\">process 100 prog: name = "
		"&quot;prog&quot;\n"
		"thread 101 worker: name = &quot;worker&quot;\n"
		"process 102 sh: name = &quot;sh&quot;\n"
		"</failure>\n"
		"    </testcase>\n"
		"  </testsuite>\n"
		"</testsuites>\n",
		"JUnit");
	report(&text, junit_report, history, sources, 1, "no <such> program");
	tap_has(text_string(&text),
		"<error message=\"no &lt;such&gt; program\" type=\"not started\"></error>",
		"JUnit of no run");
	text_finish(&text);
}

int main(void)
{
	struct family family;
	make(&family);
	check_person(&family.history);
	check_calls(&family.history);
	check_numbers(&family.history);
	check_reasons(&family.history);
	check_tap(&family.history);
	check_junit(&family.history);
	family_finish(&family);
	check_many();
	return tap_done();
}
