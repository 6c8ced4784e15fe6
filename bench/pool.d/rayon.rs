// rayon.rs: Rayon as its users write it. workers=0: as many as it chooses itself.
use rayon::prelude::*;
use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_int, c_void};
use std::slice;

#[repr(C)]
struct Bench {
    what: *const c_char,
    kind: *const c_char,
    how: *const c_char,
    count: usize,
    window: usize,
    workers: usize,
    batch: usize,
    gap_us: usize,
    work: usize,
    repeat: usize,
    items: *mut c_void,
    output: *mut c_void,
    begin: usize,
    result: u64,
}

#[repr(C)]
struct Record {
    key: u64,
    value: u64,
}

type Call = extern "C" fn(&mut Bench);

extern "C" {
    fn bench_init(bench: *mut Bench, argc: c_int, argv: *mut *mut c_char);
    fn bench_data(bench: *mut Bench);
    fn bench_work(iterations: usize) -> u64;
    fn bench_serve(bench: *mut Bench, before: Option<Call>, call: Call, after: Option<Call>);
    fn bench_sort_before(bench: &mut Bench);
    fn bench_sort_after(bench: &mut Bench);
    fn bench_unknown(bench: *const Bench);
}

extern "C" fn before_sort(bench: &mut Bench) {
    unsafe { bench_sort_before(bench) }
}

extern "C" fn after_sort(bench: &mut Bench) {
    unsafe { bench_sort_after(bench) }
}

fn window<T>(bench: &Bench) -> &'static [T] {
    unsafe { slice::from_raw_parts((bench.items as *const T).add(bench.begin), bench.window) }
}

fn output<T>(bench: &mut Bench) -> &'static mut [T] {
    unsafe { slice::from_raw_parts_mut(bench.output as *mut T, bench.count) }
}

extern "C" fn sum_i32(bench: &mut Bench) {
    bench.result = window::<i32>(bench).par_iter().map(|&item| item as i64).sum::<i64>() as u64;
}

extern "C" fn sum_f64(bench: &mut Bench) {
    bench.result = window::<f64>(bench).par_iter().sum::<f64>().to_bits();
}

extern "C" fn region(bench: &mut Bench) {
    let work = bench.work;
    (0..bench.repeat).into_par_iter().with_max_len(1).for_each(|_| {
        unsafe { bench_work(work) };
    });
}

fn fib(n: usize) -> usize {
    if n < 2 {
        return n;
    }
    let (a, b) = rayon::join(|| fib(n - 1), || fib(n - 2));
    a + b
}

// From inside the pool, as a program that lives there would.
extern "C" fn fib_call(bench: &mut Bench) {
    let n = bench.count;
    bench.result = rayon::scope(|_| fib(n)) as u64;
}

extern "C" fn sort_i32(bench: &mut Bench) {
    output::<i32>(bench).par_sort_unstable();
}

extern "C" fn sort_u64(bench: &mut Bench) {
    output::<u64>(bench).par_sort_unstable();
}

extern "C" fn sort_f64(bench: &mut Bench) {
    output::<f64>(bench).par_sort_unstable_by(|a, b| a.partial_cmp(b).unwrap());
}

extern "C" fn sort_record(bench: &mut Bench) {
    output::<Record>(bench).par_sort_by_key(|record| record.key);
}

fn main() {
    let words: Vec<CString> = std::env::args().map(|word| CString::new(word).unwrap()).collect();
    let mut argv: Vec<*mut c_char> = words.iter().map(|word| word.as_ptr() as *mut c_char).collect();
    unsafe {
        let mut bench: Bench = std::mem::zeroed();
        bench_init(&mut bench, argv.len() as c_int, argv.as_mut_ptr());
        if bench.workers > 0 {
            rayon::ThreadPoolBuilder::new().num_threads(bench.workers).build_global().unwrap();
        }
        let text = |word| CStr::from_ptr(word).to_str().unwrap();
        let (what, kind) = (text(bench.what), text(bench.kind));
        if what == "sum" || what == "sort" {
            bench_data(&mut bench);
        }
        match (what, kind) {
            ("sum", "i32") => bench_serve(&mut bench, None, sum_i32, None),
            ("sum", "f64") => bench_serve(&mut bench, None, sum_f64, None),
            ("region", _) => bench_serve(&mut bench, None, region, None),
            ("fib", _) => bench_serve(&mut bench, None, fib_call, None),
            ("sort", _) => {
                let call: Call = match kind {
                    "i32" => sort_i32,
                    "u64" => sort_u64,
                    "f64" => sort_f64,
                    _ => sort_record,
                };
                bench_serve(&mut bench, Some(before_sort), call, Some(after_sort))
            }
            _ => bench_unknown(&bench),
        }
    }
}
