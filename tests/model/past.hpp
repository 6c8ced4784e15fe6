/**
 * past.hpp: what the threads of list.cpp asked of a list and what they got, and whether one order of the calls explains it.
 */
#ifndef KIN_TESTS_PAST_HPP
#define KIN_TESTS_PAST_HPP

#include <cstring>
#include <initializer_list>

enum kind { INSERT_FIRST, REMOVE_FIRST, APPEND, REMOVE_LAST, REPLACE, GET, COUNT };
static const int no_such = -34, unknown = -1, torn = -2;

struct call {
	kind what;
	int index, value, result;
};

struct past {
	static const int threads = 3, most = 4;
	call calls[threads][most];
	int count[threads];
	int first[8], first_count, last[8], last_count;

	void begin(std::initializer_list<int> items)
	{
		first_count = 0;
		for (int item : items)
			first[first_count++] = item;
		for (int i = 0; i < threads; i++)
			count[i] = 0;
	}

	void add(int thread, kind what, int index, int value, int result)
	{
		if (result != unknown)
			calls[thread][count[thread]++] = call{ what, index, value, result };
	}

	static bool apply(const call &c, int *items, int *n)
	{
		int index = c.what == INSERT_FIRST || c.what == REMOVE_FIRST ? 0
			    : c.what == APPEND                               ? *n
			    : c.what == REMOVE_LAST                          ? *n - 1
									     : c.index;
		if (c.what == COUNT)
			return c.result == *n;
		if (c.what == INSERT_FIRST || c.what == APPEND) {
			for (int i = (*n)++; i > index; i--)
				items[i] = items[i - 1];
			items[index] = c.value;
			return true;
		}
		if (index >= *n)
			return c.result == no_such;
		if (items[index] != c.result)
			return false;
		if (c.what == REPLACE)
			items[index] = c.value;
		if (c.what == REMOVE_FIRST || c.what == REMOVE_LAST) {
			for (int i = index; i + 1 < *n; i++)
				items[i] = items[i + 1];
			--*n;
		}
		return true;
	}

	bool explain(const int *done, const int *items, int n) const
	{
		bool all = true;
		for (int thread = 0; thread < threads; thread++) {
			if (done[thread] == count[thread])
				continue;
			all = false;
			int next[8], m = n, after[threads];
			std::memcpy(next, items, sizeof next);
			std::memcpy(after, done, sizeof after);
			after[thread]++;
			if (apply(calls[thread][done[thread]], next, &m) && explain(after, next, m))
				return true;
		}
		return all && n == last_count && !std::memcmp(items, last, n * sizeof *items);
	}

	bool is_explained() const
	{
		int none[threads] = { 0, 0, 0 };
		return explain(none, first, first_count);
	}
};

#endif
