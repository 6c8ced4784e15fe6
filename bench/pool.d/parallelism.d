// parallelism.d: D's std.parallelism as its users write it. workers=0: its own default pool.
import core.stdc.string : strcmp;
import std.algorithm : sort, map;
import std.parallelism;

struct bench
{
	const(char)* what, type, how;
	size_t count, window, workers, batch, gap_us, work, repeat;
	void* items, output;
	size_t begin;
	ulong result;
}

extern (C) nothrow @nogc
{
	alias bench_call = void function(bench*);
	void bench_init(bench*, int, char**);
	void bench_data(bench*);
	ulong bench_work(size_t);
	void bench_unknown(bench*);
}
extern (C) void bench_serve(bench*, void* before, void* call, void* after);

__gshared TaskPool pool;
__gshared size_t[] indexes;

extern (C) void sum_i32(bench* b)
{
	auto items = (cast(int*) b.items)[b.begin .. b.begin + b.window];
	b.result = pool.reduce!"a + b"(0L, items);
}

extern (C) void sum_f64(bench* b)
{
	auto items = (cast(double*) b.items)[b.begin .. b.begin + b.window];
	double sum = pool.reduce!"a + b"(0.0, items);
	b.result = *cast(ulong*)&sum;
}

extern (C) void region(bench* b)
{
	size_t work = b.work;
	foreach (ref i; pool.parallel(indexes, 1))
		bench_work(work);
}

long fib(long n)
{
	if (n < 2)
		return n;
	auto task = scopedTask!fib(n - 1);
	pool.put(task);
	auto other = fib(n - 2);
	return task.workForce + other;
}

extern (C) void fib_call(bench* b)
{
	b.result = fib(cast(long) b.count);
}

bool equal(const(char)* text, const(char)* word)
{
	return strcmp(text, word) == 0;
}

void main()
{
	import core.runtime : Runtime;

	auto arguments = Runtime.cArgs;
	bench b;
	bench_init(&b, arguments.argc, arguments.argv);
	pool = b.workers ? new TaskPool(b.workers - 1) : taskPool;
	pool.isDaemon = true;
	indexes = new size_t[b.repeat];
	void* call;
	if (equal(b.what, "region"))
		call = &region;
	else if (equal(b.what, "fib"))
		call = &fib_call;
	else if (equal(b.what, "sum"))
		call = equal(b.type, "i32") ? &sum_i32 : &sum_f64;
	else
		bench_unknown(&b);
	if (equal(b.what, "sum"))
		bench_data(&b);
	bench_serve(&b, null, call, null);
}
