/*
 * OpenMP: the compiler writes threads.c for us. `reduction` gives each thread a sum of its own and adds them up at
 * the end; without it all threads would write to one variable, and the sum would be wrong.
 */
#include "sum_array.h"

#include <omp.h>

int main(int argc, char **argv)
{
	struct lab lab = lab_begin(argc, argv, "openmp", 2);
	/* Otherwise the runtime may choose fewer workers than were asked for. */
	omp_set_dynamic(0);

	double start = seconds_now();
	int64_t sum = 0;
#pragma omp parallel for num_threads(lab.workers) schedule(static) reduction(+ : sum)
	for (size_t i = 0; i < lab.count; i++)
		sum += lab.numbers[i];
	return lab_end(&lab, sum, seconds_now() - start);
}
