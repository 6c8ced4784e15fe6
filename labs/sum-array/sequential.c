/* One thread sums everything: what the others are measured against. */
#include "sum_array.h"

int main(int argc, char **argv)
{
	struct lab lab = lab_begin(argc, argv, "sequential", 1);

	double start = seconds_now();
	int64_t sum = sum_range(lab.numbers, (struct range){ 0, lab.count });
	return lab_end(&lab, sum, seconds_now() - start);
}
