/* What each name of kin expect counts, and what is told of things that the recording does not hold. */
#include "expect_history.h"
#include "tap.h"

#include "expect/value.h"

#include <errno.h>

static struct family *family;

static void holds(const char *source)
{
	const char *got = verdict(family, source);
	if (!tap_ok(strcmp(got, "held") == 0, "holds: %s", source))
		tap_note("%s", got);
}

static void fails_to_hold(const char *source)
{
	const char *got = verdict(family, source);
	if (!tap_ok(strcmp(got, "not held") == 0, "does not hold: %s", source))
		tap_note("%s", got);
}

static void cannot_tell(const char *source)
{
	const char *got = verdict(family, source);
	if (!tap_ok(strcmp(got, "cannot tell") == 0, "cannot be told: %s", source))
		tap_note("%s", got);
}

/*
 * 100 prog: two threads 101 102 "worker" (102 with 3 major faults); forks 103, which runs sh; vfork 104 and spawn 105
 * run cc with -O2 and without. 103 is killed by SIGKILL.
 */
static void make_family(struct family *made, const char *sources)
{
	family_begin(made, sources, "all");
	birth_of_prog(made);
	runs(made, 1, "./prog", "/tmp/prog", "./prog -x");
	birth(made, 1, CALL_CLONE3, FLAGS_PTHREAD, 100);
	named(made, 2, "worker1");
	birth(made, 1, CALL_CLONE3, FLAGS_PTHREAD, 100);
	named(made, 3, "worker2");
	birth(made, 1, CALL_CLONE, FLAGS_FORK, 0);
	runs(made, 4, "/usr/bin/sh", "/usr/bin/dash", "sh -c true");
	birth(made, 1, CALL_VFORK, FLAGS_SPAWN, 0);
	runs(made, 5, "/usr/bin/cc", "/usr/bin/gcc-12", "cc -O2 a.c");
	birth(made, 1, CALL_CLONE3, FLAGS_SPAWN, 0);
	runs(made, 6, "cc", "/usr/bin/gcc-12", "cc b.c");
	signalled(made, 4, 15, 100);
	signalled(made, 1, 13, 0);
	exits_with(made, 2, 0, false, 0, 0);
	exits_with(made, 3, 0, false, 3, 0);
	exits_with(made, 4, 9, true, 0, 2048);
	exits_with(made, 5, 0, false, 0, 4096);
	exits_with(made, 6, 1, false, 0, 4096);
	exits_with(made, 1, 0, false, 0, 65536);
	family_end(made, 0);
}

static void check_counts(void)
{
	holds("tasks == 6");
	holds("processes == 4");
	holds("threads == 2");
	holds("forks == 1 && vforks == 1 && spawns == 1");
	holds("clones == 4");
	holds("forks + vforks + spawns + threads + 1 == tasks");
	holds("execs == 4 && programs == execs");
	holds("signals == 2 && stops == 0");
	holds("orphans == 0 && running == 0");
	holds("faults.minor == 120 && faults.major == 3 && faults == 123");
	holds("switches == 18 && switches.voluntary == 12 && switches.involuntary == 6");
	holds("user == 18ms && system == 6ms && cpu == 24ms");
	holds("maxrss == 64MiB");
	holds("wall == 19ms && any(name == 'worker1' && wall == 12ms)");
	holds("task('worker*').wall == 13ms");
	fails_to_hold("threads == 3");
	fails_to_hold("threads == 2 && faults.major == 0");
	fails_to_hold("maxrss < 64MiB");
}

static void check_prog(void)
{
	holds("exit == 0");
	holds("exit in (0, 77) && !(exit in (1, 77))");
	holds("signal == 0 && signal != SIGKILL");
	holds("!core && !oom");
	fails_to_hold("signal == SIGKILL");
}

static void check_selections(void)
{
	holds("task('worker*').count == 2");
	holds("task('worker*').faults.major == 3");
	holds("task('worker1').faults.major == 0");
	holds("task('worker*').processes == 0 && task('worker*').threads == 2");
	holds("process('prog').threads == 2 && process('prog').count == 1");
	holds("process('prog').tasks == 3");
	holds("process('nobody').count == 0");
	cannot_tell("process('nobody').threads == 0");
	cannot_tell("!(process('nobody').threads == 0)");
	holds("process('nobody').count == 0 || process('nobody').threads == 9");
	holds("exec('/bin/sh').count == 1");
	holds("exec('/usr/bin/sh').count == 1");
	holds("exec('/bin/dash').count == 1 && exec('dash').count == 1");
	holds("exec('sh').count == 1 && exec('*sh').count == 1");
	holds("exec('/sbin/sh').count == 0 && exec('s').count == 0");
	holds("exec('cc').count == 2 && exec('/usr/bin/cc').count == 1 && exec('gcc-*').count == 2");
	holds("exec('./prog').count == 1 && exec('/tmp/prog').count == 1");
	holds("exec('cc').maxrss == 4MiB");
	holds("exec('cc').any(exit == 1) && exec('cc').count(exit == 0) == 1");
	holds("exec('cc').all(exec.argv =~ '*.c')");
	fails_to_hold("exec('cc').all(exec.argv has '-O2')");
	cannot_tell("task('nobody').all(exit == 0)");
}

static void check_quantifiers(void)
{
	holds("any(clone.flags has CLONE_VFORK)");
	holds("count(clone.flags has CLONE_VFORK|CLONE_VM) == 2 + 2 - 2");
	holds("count(clone.flags == 0x4100) == 2");
	holds("none(clone.flags has CLONE_NEWUSER)");
	holds("count(clone.call == 'clone3') == 3");
	holds("count(thread) == 2 && count(!thread) == processes");
	holds("count(true) == tasks");
	holds("count(clone.signal == SIGCHLD) == tasks - 1");
	holds("any(exec.argv has '-O2')");
	holds("count(exec.argv has '-O2') == 1");
	holds("none(exec.argv has '-O')");
	holds("count(exec.name == 'cc' && exit == 0) == 1");
	holds("count(exec.exe == '/usr/bin/gcc-12') == 2");
	holds("all(exec.script == '' && exec.cwd == '/tmp' && exec.call == 'execve')");
	holds("any(exec.path has '/bin/c')");
	fails_to_hold("all(exit == 0)");
	holds("count(exit != 0) == 2");
	holds("any(exit == 137 && signal == SIGKILL)");
	holds("all(signal in (0, SIGKILL))");
	holds("all(prog || wall < 20ms)");
	holds("count(prog) == 1 && count(children > 0) == 1 && any(children == 3)");
	holds("any(name == 'worker1' && tid == 101 && pid == 100 && kind == 'thread')");
	holds("count(kind == 'fork') == forks && count(kind == 'spawn') == spawns");
	holds("any(program == '/usr/bin/dash' && argv has '-c' && cwd == '/tmp')");
	holds("none(running || orphan || untraced)");
	holds("any(received.signal == SIGTERM && received.pid == 100 && name == 'sh')");
	holds("any(received.signal == SIGPIPE && received.kernel && received.pid == 0)");
	holds("count(received.signal != SIGTERM) == 1");
	holds("none(name == 'a\\') && none(name == \"a\\\"b\\\\\")");
	holds("all(start >= 0 && cpu >= 4ms && user + system == cpu)");
	holds("count(faults.major > 0) == 1 && all(faults.major <= 3)");
	fails_to_hold("none(thread)");
	fails_to_hold("any(exit == 5)");
}

static void check_arithmetic(void)
{
	holds("7 / 2 == 3.5");
	holds("7 % 3 == 1 && -7 % 3 == -1");
	holds("0.1 + 0.2 == 0.3");
	holds("1s == 1000ms && 1min == 60s && 1h == 60min && 1MiB == 1024KiB && 1MB == 1000kB");
	holds("1.5s / 500ms == 3");
	holds("2 + 3 * 4 == 14 && (2 + 3) * 4 == 20 && 10 - 4 - 3 == 3");
	holds("-(2 - 5) == 3 && - -3 == 3");
	holds("true || false && false");
	holds("!(false || false)");
	holds("(1 < 2) == true && (1 > 2) == core");
	cannot_tell("1 / 0 == 1");
	cannot_tell("!(1 / 0 == 1)");
	cannot_tell("1 / (threads - 2) > 0");
	cannot_tell("exit % 0 == 0");
	cannot_tell("9223372036854775807 + 1 > 0");
	cannot_tell("9223372036854775807 * 9223372036854775807 > 0");
	holds("9223372036854775807 - 1 < 9223372036854775807");
	holds("1 / 0 == 1 || true");
	fails_to_hold("1 / 0 == 1 && false");
}

/* Neither true nor false unless what was seen decides it. */
static void check_unknown(void)
{
	struct family cut;
	family = &cut;
	family_begin(&cut, "ptrace", "all");
	birth_of_prog(&cut);
	runs(&cut, 1, "./prog", "/tmp/prog", "./prog");
	birth(&cut, 1, CALL_CLONE, FLAGS_FORK, 0);
	birth(&cut, 1, CALL_CLONE, FLAGS_FORK, 0);
	exits(&cut, 2, 3);
	cannot_tell("processes == 3");
	cannot_tell("!(processes == 3)");
	cannot_tell("processes <= 3");
	holds("processes >= 3");
	holds("processes > 2 && processes != 2");
	fails_to_hold("processes < 3");
	fails_to_hold("processes == 2");
	cannot_tell("exit == 0");
	cannot_tell("faults.major == 0");
	fails_to_hold("faults.minor < 20");
	holds("any(exit == 3)");
	cannot_tell("any(exit == 4)");
	cannot_tell("count(tid == 101) == 1"); // a task born later may have that TID again
	holds("count(tid == 101) >= 1");
	fails_to_hold("none(exit == 3)");
	cannot_tell("all(tid > 0)");
	fails_to_hold("all(exit == 0)");
	cannot_tell("exec('sh').count == 0");
	holds("exec('prog').count >= 1");
	cannot_tell("wall < 1h");
	cannot_tell("threads * 2 == 0");
	cannot_tell("-processes == -3");
	holds("-processes <= -3");
	holds("10 - processes <= 7");
	fails_to_hold("10 - processes > 7");
	cannot_tell("processes * processes == 9");
	family_end(&cut, 0);
	cannot_tell("processes == 3"); // two are still running and may make more
	family_finish(&cut);
}

static void check_let_go(void)
{
	struct family followed;
	family = &followed;
	family_begin(&followed, "ptrace", "direct");
	birth_of_prog(&followed);
	birth(&followed, 1, CALL_CLONE, FLAGS_FORK, 0);
	exits(&followed, 1, 0);
	let_go(&followed, 2);
	family_end(&followed, 0);
	holds("processes == 2"); // what was asked for: as long as PROG ran
	holds("running == 1 && exit == 0");
	holds("count(running) == 1");
	cannot_tell("faults.major == 0");
	cannot_tell("all(exit == 0)");
	cannot_tell("maxrss < 1GiB");
	cannot_tell("cpu < 1h");
	fails_to_hold("cpu < 4ms");
	holds("wall < 1h"); // of the run as it was followed
	cannot_tell("process('*').wall < 1h");
	cannot_tell("any(tid == 101 && wall < 1h)");
	holds("count(exit == 0) >= 1 && count(exit == 0) <= 2");
	cannot_tell("count(exit == 0) == 1");
	cannot_tell("count(exit == 0) < 2");
	family_finish(&followed);
}

static void check_sources(void)
{
	struct family other;
	family = &other;
	make_family(&other, "perf,connector");
	cannot_tell("signals == 2");
	cannot_tell("none(received.signal == SIGHUP)");
	holds("any(received.signal == SIGTERM)");
	cannot_tell("failed == 0");
	cannot_tell("none(failed.error == ENOENT)");
	cannot_tell("faults.cow == 0");
	cannot_tell("!(faults.cow > 0)");
	cannot_tell("all(faults.zero < 5)");
	cannot_tell("faults.unlocated == 0");
	holds("processes == 4");
	family_finish(&other);
}

static void check_stops_and_losses(void)
{
	struct family made;
	family = &made;
	family_begin(&made, "ptrace", "all");
	birth_of_prog(&made);
	struct event stop = { .type = EVENT_STOP, .task = 1, .stop_signal = 19 };
	struct event go_on = { .type = EVENT_CONT, .task = 1 };
	feed(&made, stop);
	feed(&made, go_on);
	signalled(&made, 1, 1, 5);
	exits(&made, 1, 0);
	family_end(&made, 2);
	holds("stops == 1 && signals == 1 && count(stops == 1) == 1");
	holds("none(received.signal == SIGSTOP) && count(received.signal == SIGHUP) == signals");
	holds("processes == 1"); // records that the kernel dropped are not those of ptrace
	family_finish(&made);
	family_begin(&made, "perf", "all");
	birth_of_prog(&made);
	exits(&made, 1, 0);
	family_end(&made, 2);
	cannot_tell("processes == 1");
	holds("processes >= 1");
	family_finish(&made);
}

static void check_faults(void)
{
	struct family made;
	family = &made;
	family_begin(&made, "ptrace,perf faults", "all");
	birth_of_prog(&made);
	birth(&made, 1, CALL_CLONE, FLAGS_FORK, 0);
	faults(&made, 1, CAUSE_ZERO, 10);
	faults(&made, 2, CAUSE_COW, 5);
	faults(&made, 2, CAUSE_COW, 2);
	faults(&made, 2, CAUSE_FILE, 1);
	faults(&made, 1, CAUSE_SHARED, 3);
	struct event vdso = { .type = EVENT_FAULTS, .task = 1 };
	vdso.faults = (struct event_faults){ .cause = CAUSE_OTHER, .count = 1, .mapping = MAPPING_KERNEL };
	feed(&made, vdso);
	exits(&made, 2, 0);
	exits(&made, 1, 0);
	family_end(&made, 0);
	holds("faults.zero == 10 && faults.cow == 7 && faults.file == 1 && faults.shared == 3");
	holds("faults.other == 1 && faults.unlocated == 40 - 22");
	holds("all(prog || faults.cow == 7)");
	family_finish(&made);
	family_begin(&made, "ptrace,perf faults", "all");
	birth_of_prog(&made);
	faults(&made, 1, CAUSE_COW, 7);
	faults(&made, 1, CAUSE_OTHER, 2);
	exits(&made, 1, 0);
	family_end(&made, 0);
	holds("faults.other == 2 && faults.cow >= 7 && faults.cow <= 9");
	cannot_tell("faults.cow == 7");
	fails_to_hold("faults.cow == 10");
	family_finish(&made);
	family_begin(&made, "ptrace,perf faults", "all");
	birth_of_prog(&made);
	faults(&made, 1, CAUSE_COW, 7);
	exits(&made, 1, 0);
	family_end(&made, 3);
	cannot_tell("faults.cow == 7"); // three records were lost
	holds("faults.cow < 11 && processes == 1");
	family_finish(&made);
}

static void check_failed(void)
{
	struct family made;
	family = &made;
	family_begin(&made, "ptrace,seccomp", "all");
	birth_of_prog(&made);
	fails(&made, 1, CALL_EXECVE, ENOENT, "/a/x");
	fails(&made, 1, CALL_EXECVE, ENOENT, "/b/x");
	fails(&made, 1, CALL_CLONE3, EAGAIN, NULL);
	exits(&made, 1, 0);
	family_end(&made, 0);
	holds("failed == 3");
	holds("count(failed.error == ENOENT) == 2 && count(failed.call == 'clone3') == 1");
	holds("any(failed.path =~ '/b/*' && failed.argv has 'x') && all(failed.flags == 0)");
	holds("none(failed.error in (EPERM, EACCES))");
	family_finish(&made);
}

/* A thread calls exec: the leader ends for it, the thread becomes the process. */
static void check_exec_by_thread(void)
{
	struct family made;
	family = &made;
	family_begin(&made, "ptrace", "all");
	birth_of_prog(&made);
	birth(&made, 1, CALL_CLONE3, FLAGS_PTHREAD, 100);
	struct event event = { .type = EVENT_EXIT, .task = 1 };
	event.exit = (struct event_exit){ .exec_by_thread = true, .by_signal = true, .status = 9 };
	feed(&made, event);
	runs(&made, 2, "/bin/ls", "/bin/ls", "ls");
	exits(&made, 2, 7);
	family_end(&made, 0);
	holds("exit == 7");
	holds("processes == 1 && threads == 1 && tasks == 2");
	holds("count(exit == 0) == 1 && all(signal == 0)");
	holds("maxrss == 1MiB");
	family_finish(&made);
}

/* One task that runs three programs, one after the other. */
static void check_chain(void)
{
	struct family made;
	family = &made;
	family_begin(&made, "ptrace", "all");
	birth_of_prog(&made);
	runs(&made, 1, "/bin/a", "/bin/a", "a");
	runs(&made, 1, "/bin/b", "/bin/b", "b 1");
	runs(&made, 1, "/bin/b", "/bin/b", "b 2");
	exits(&made, 1, 0);
	family_end(&made, 0);
	holds("execs == 3 && any(execs == 3) && exec('*').count == 3");
	holds("exec('b').count == 2 && exec('b').tasks == 1 && exec('b').execs == 3");
	holds("exec('b').all(exec.path == '/bin/b') && exec('b').count(exec.argv has '1') == 1");
	holds("exec('a').all(argv has '2') && exec('a').count(true) == 1");
	family_finish(&made);
}

static void check_flags_unknown(void)
{
	struct family made;
	family = &made;
	family_begin(&made, "perf", "all");
	birth_of_prog(&made);
	struct event event = { .type = EVENT_BIRTH, .task = 2 };
	event.birth = (struct event_birth){ .tid = 5, .tgid = 5, .maker = 1, .parent = 1 };
	feed(&made, event);
	exits(&made, 1, 0);
	exits(&made, 2, 0);
	family_end(&made, 0);
	holds("processes == 2 && threads == 0");
	cannot_tell("forks == 1");
	holds("forks <= 1 && spawns < 2 && clones <= 1");
	cannot_tell("any(clone.flags has CLONE_VM)");
	cannot_tell("all(clone.call != 'fork')");
	cannot_tell("any(kind == 'fork')");
	family_finish(&made);
}

static void check_empty(void)
{
	struct family empty;
	family = &empty;
	family_begin(&empty, "ptrace", "all");
	cannot_tell("processes == 0");
	cannot_tell("exit == 0");
	cannot_tell("all(exit == 0)");
	family_finish(&empty);
}

static void check_huge(void)
{
	struct family made;
	family = &made;
	family_begin(&made, "ptrace", "all");
	birth_of_prog(&made);
	for (int i = 0; i < 100000; i++)
		birth(&made, 1, CALL_CLONE3, FLAGS_PTHREAD, 100);
	struct event event = { .type = EVENT_EXIT };
	event.exit = (struct event_exit){ .status_known = true };
	event.exit.usage = (struct usage){ .minor = UINT64_MAX / 2, .major = 1, .known = USAGE_FAULTS };
	for (uint32_t i = 100001; i > 0; i--) {
		event.task = i;
		feed(&made, event);
	}
	family_end(&made, 0);
	holds("threads == 100000 && faults.major == 100001");
	holds("count(thread && exit == 0) == threads");
	cannot_tell("faults.minor == 9223372036854775807"); // the sum does not fit
	holds("faults.minor > 1000");
	family_finish(&made);
}

static void check_ranges(void)
{
	struct range one = { fraction_of(1), fraction_of(1), false, false }, most = one, least = one, result;
	most.low = most.high = fraction_of(INT64_MAX);
	least.low = least.high = fraction_of(-INT64_MAX);
	tap_is_int(range_calculate(&result, '+', &most, &one), -EOVERFLOW, "a sum that does not fit");
	tap_is_int(range_calculate(&result, '-', &least, &one), -EOVERFLOW, "a difference that does not fit");
	tap_is_int(range_calculate(&result, '*', &most, &least), -EOVERFLOW, "a product that does not fit");
	tap_is_int(range_calculate(&result, '/', &most, &least), 0, "a ratio that fits");
	tap_is_int(result.low.above, -1, "and its value");
	struct range two_to_four = { fraction_of(2), fraction_of(4), false, false };
	struct range minus_two = { fraction_of(-2), fraction_of(-2), false, false };
	tap_is_int(
		range_calculate(&result, '*', &two_to_four, &minus_two), 0, "bounds times a negative number");
	tap_ok(result.low.above == -8 && result.high.above == -4, "are turned round");
	tap_is_int(range_calculate(&result, '-', &one, &two_to_four), 0, "a number less bounds");
	tap_ok(result.low.above == -3 && result.high.above == -1, "is turned round too");
	tap_is_int(range_less(&one, &two_to_four), TRUTH_YES, "1 is less than 2 to 4");
	tap_is_int(range_less(&two_to_four, &one), TRUTH_NO, "2 to 4 is not less than 1");
	struct range three = { fraction_of(3), fraction_of(3), false, false };
	tap_is_int(range_less(&two_to_four, &three), TRUTH_UNKNOWN, "2 to 4 may be less than 3");
	tap_is_int(range_equal(&two_to_four, &two_to_four), TRUTH_UNKNOWN, "two ranges may differ");
}

int main(void)
{
	struct family made;
	make_family(&made, "ptrace");
	family = &made;
	check_counts();
	check_prog();
	check_selections();
	check_quantifiers();
	check_arithmetic();
	family_finish(&made);
	check_unknown();
	check_let_go();
	check_sources();
	check_stops_and_losses();
	check_faults();
	check_failed();
	check_exec_by_thread();
	check_chain();
	check_flags_unknown();
	check_empty();
	check_huge();
	check_ranges();
	return tap_done();
}
