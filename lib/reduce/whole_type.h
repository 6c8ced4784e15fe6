/**
 * whole_type.h: the loops over integers of one type. Included by fold_whole.c once for each, with no guard: what it
 * needs to be told is said there.
 */
#define FUNCTION(name) PASTE(name##_, NAME)
#define VECTOR_OF(kind, bits) PASTE(PASTE(kind##_, bits), _v)
#define ITEMS_V VECTOR_OF(unsigned, BITS)
#define HALVES_V VECTOR_OF(unsigned, HALVES)
#if IS_SIGNED
#define COMPARED_V VECTOR_OF(signed, BITS)
#define NUMBER i
#else
#define COMPARED_V VECTOR_OF(unsigned, BITS)
#define NUMBER u
#endif
#define UNSIGNED PASTE(PASTE(uint, BITS), _t)
#define PER_VECTOR (VECTOR / sizeof(TYPE))
#define BIAS (IS_SIGNED ? (uint64_t)1 << (BITS - 1) : 0)

/*
 * Sum at most ROWS vectors: the low and the high half of each element on their own. Signed items are raised to
 * unsigned ones by turning their sign bit, and the raise is taken off at the end.
 */
static __int128 FUNCTION(sum_rows)(const TYPE *items, size_t rows)
{
	enum { CHAINS = 4, HALF = HALVES / 2 };
	HALVES_V low[CHAINS] = { 0 }, high[CHAINS] = { 0 };
	const ITEMS_V raise = (ITEMS_V){ 0 } + (UNSIGNED)BIAS;
	const HALVES_V mask = (HALVES_V){ 0 } + (PASTE(PASTE(uint, HALVES), _t))(((uint64_t)1 << HALF) - 1);
	size_t row = 0;
	for (; row + CHAINS <= rows; row += CHAINS) {
		read_ahead(items + row * PER_VECTOR, CHAINS * VECTOR, AHEAD);
		for (int c = 0; c < CHAINS; c++) {
			ITEMS_V v;
			memcpy(&v, items + (row + c) * PER_VECTOR, sizeof v);
			HALVES_V halves = (HALVES_V)(v ^ raise);
			low[c] += halves & mask;
			high[c] += halves >> HALF;
		}
	}
	for (; row < rows; row++) {
		ITEMS_V v;
		memcpy(&v, items + row * PER_VECTOR, sizeof v);
		HALVES_V halves = (HALVES_V)(v ^ raise);
		low[0] += halves & mask;
		high[0] += halves >> HALF;
	}
	uint64_t lows = 0, highs = 0;
	for (int c = 0; c < CHAINS; c++)
		for (size_t e = 0; e < VECTOR / (HALVES / 8); e++) {
			lows += low[c][e];
			highs += high[c][e];
		}
	__int128 sum = (__int128)lows + ((__int128)highs << (BITS == 64 ? HALF : 0));
	return sum - (__int128)(rows * PER_VECTOR) * BIAS;
}

static void FUNCTION(sum)(const struct piece *piece, const void *extra, void *state)
{
	const TYPE *items = piece->items;
	__int128 sum = 0;
	size_t i = 0, rows;
	while ((rows = (piece->count - i) / PER_VECTOR) > 0) {
		rows = rows < ROWS ? rows : ROWS;
		sum += FUNCTION(sum_rows)(items + i, rows);
		i += rows * PER_VECTOR;
	}
	for (; i < piece->count; i++)
		sum += items[i];
	wide_add_128(state, sum);
}

/*
 * A block at a time: whether it has an item 0, whether any is beyond 1 in magnitude, and the parity of the negative
 * ones, all of which vectorize. Only a block with large items is multiplied out, and 64 of those are too large in
 * any case.
 */
static void FUNCTION(multiply)(const TYPE *items, size_t count, struct whole_product *product)
{
	for (size_t i = 0; i < count && !product->large; i++) {
		uint64_t item = (uint64_t)items[i];
		uint64_t magnitude = IS_SIGNED && item >> 63 ? -item : item;
		if (magnitude)
			product->large =
				__builtin_mul_overflow(product->magnitude, magnitude, &product->magnitude);
	}
}

static void FUNCTION(product)(const struct piece *piece, const void *extra, void *state)
{
	struct whole_product *product = state;
	const TYPE *items = piece->items;
	for (size_t begin = 0; begin < piece->count && !product->zero; begin += BLOCK) {
		size_t count = piece->count - begin < BLOCK ? piece->count - begin : BLOCK;
		const TYPE *block = items + begin;
		TYPE zero = 0, large = 0, signs = 0;
		for (size_t i = 0; i < count; i++) {
			TYPE item = block[i];
			zero |= (TYPE)(item == 0);
			large |= (TYPE)((UNSIGNED)((UNSIGNED)item + IS_SIGNED) > 1 + IS_SIGNED);
			signs ^= item;
		}
		product->zero = zero;
		product->negative ^= IS_SIGNED && (UNSIGNED)signs >> (BITS - 1);
		if (large)
			FUNCTION(multiply)(block, count, product);
	}
}

static size_t FUNCTION(find)(const TYPE *items, TYPE item)
{
	size_t i = 0;
	while (items[i] != item)
		i++;
	return i;
}

static void FUNCTION(least)(const struct piece *piece, const void *extra, void *state)
{
	struct kin_extreme *least = state;
	const TYPE *items = piece->items;
	for (size_t begin = 0; begin < piece->count; begin += BLOCK) {
		size_t count = piece->count - begin < BLOCK ? piece->count - begin : BLOCK;
		TYPE best = items[begin];
		for (size_t i = 0; i < count; i++)
			best = items[begin + i] < best ? items[begin + i] : best;
		if (least->index == SIZE_MAX || best < least->value.NUMBER) {
			least->value.NUMBER = best;
			least->index = piece->begin + begin + FUNCTION(find)(items + begin, best);
		}
	}
}

static void FUNCTION(greatest)(const struct piece *piece, const void *extra, void *state)
{
	struct kin_extreme *greatest = state;
	const TYPE *items = piece->items;
	for (size_t begin = 0; begin < piece->count; begin += BLOCK) {
		size_t count = piece->count - begin < BLOCK ? piece->count - begin : BLOCK;
		TYPE best = items[begin];
		for (size_t i = 0; i < count; i++)
			best = items[begin + i] > best ? items[begin + i] : best;
		if (greatest->index == SIZE_MAX || best > greatest->value.NUMBER) {
			greatest->value.NUMBER = best;
			greatest->index = piece->begin + begin + FUNCTION(find)(items + begin, best);
		}
	}
}

/* A comparison gives -1 where it holds; at most 255 rows are counted before the counters are emptied. */
static uint64_t FUNCTION(count_rows)(const TYPE *items, size_t rows, TYPE number, bool equal)
{
	ITEMS_V counts = { 0 };
	const COMPARED_V numbers = (COMPARED_V){ 0 } + number;
	for (size_t row = 0; row < rows; row++) {
		COMPARED_V v;
		memcpy(&v, items + row * PER_VECTOR, sizeof v);
		counts -= equal ? (ITEMS_V)(v == numbers) : (ITEMS_V)(v < numbers);
	}
	uint64_t count = 0;
	for (size_t e = 0; e < PER_VECTOR; e++)
		count += counts[e];
	return count;
}

static void FUNCTION(count)(const struct piece *piece, const void *extra, void *state)
{
	const struct count_test *test = extra;
	const TYPE *items = piece->items;
	const TYPE number = (TYPE)test->number.NUMBER;
	const bool equal = test->kind == COUNT_EQUAL;
	uint64_t count = 0;
	size_t i = 0, rows;
	while ((rows = (piece->count - i) / PER_VECTOR) > 0) {
		rows = rows < 255 ? rows : 255;
		count += equal ? FUNCTION(count_rows)(items + i, rows, number, true)
			       : FUNCTION(count_rows)(items + i, rows, number, false);
		i += rows * PER_VECTOR;
	}
	for (; i < piece->count; i++)
		count += equal ? items[i] == number : items[i] < number;
	*(uint64_t *)state += count;
}

#undef FUNCTION
#undef VECTOR_OF
#undef ITEMS_V
#undef HALVES_V
#undef COMPARED_V
#undef NUMBER
#undef UNSIGNED
#undef PER_VECTOR
#undef BIAS
#undef NAME
#undef TYPE
#undef BITS
#undef IS_SIGNED
#undef HALVES
#undef ROWS
