/*
 * How a list is read without a lock, as lib/list/list.h says: versions with stamps, two copies of the mapping, one seq.
 * By hand from lib/list/{list.h,read.c,replace.c,inplace.c,edit.c,pages.c,insert.c,remove.c}; T is the first thread's.
 *
 * What the threads did and got has to be explained by one order of their calls, in which each thread's own calls are in
 * the order in which it made them.
 */
#include "model.hpp"
#include "past.hpp"

enum {
	OPEN_ORDER = 1, // orders of memory
	FLIP_ORDER,
	AGAIN_ORDER,
	READ_FENCE,
	CLOSE_FENCE,
	TAIL_STORE,
	NO_STAMP = 20, // rules
	NO_LAST_LOOK,
	NO_SEQ_AGAIN,
	NO_SEQ_AFTER_MAPPING,
	OPEN_EARLY,
	CLOSE_LATE,
	REPLACE_OLD_STAMP,
	COPY_OPEN,
	TAKE_OLD_STAMP,
	ONE_MAPPING,
	ONE_TAIL_END,
	TAIL_END_FIRST,
	NO_RESTAMP,
};

/* --- what all have in common --- */

static const int step = 2, stamp_unit = 16; // version: stamp * 16 + counter * 2 + open

typedef rl::atomic<int> word;

static inline bool acceptable(int version, int seq, bool leaf)
{
	return (version & 1) && (version / stamp_unit <= seq || (leaf && weakened == NO_STAMP));
}

static inline int get(word &w)
{
	return w.load(relaxed, $);
}

static inline void set(word &w, int value)
{
	w.store(value, relaxed, $);
}

static inline bool is_same(word &w, int value)
{
	fence(READ_FENCE, acquire);
	return get(w) == value;
}

/* An item is two words, so that one sees a torn one. */
struct page {
	word version, count, item[6], check[6];

	int get_item(int slot)
	{
		int value = get(item[slot]);
		return get(check[slot]) == -value ? value : torn;
	}

	void set_item(int slot, int value)
	{
		set(item[slot], value);
		set(check[slot], -value);
	}

	/* As chunk_close: waits for who is overwriting an item. */
	int close()
	{
		for (;;) {
			int seen = get(version);
			if ((seen & 1) &&
				version.compare_exchange_strong(seen, seen - 1, seq_cst, $, relaxed, $))
				return seen;
			rl::yield(1, $);
		}
	}
};

/* --- the body: in place, and by copies --- */

enum { COUNT_ONLY = -1 };
enum script { INSERT, INSERT_AND_REMOVE, INSERT_TWO };

/*
 * In place: a node over two chunks, pages 0 and 1. By copies: one chunk, in one of three pages. The first thread inserts
 * and removes at the front; the second replaces at one index, twice; the third reads at two.
 */
template <bool copies, script what, int replaced, int read_first, int read_second>
struct body : rl::test_suite<body<copies, what, replaced, read_first, read_second>, 3> {
	page pages[3];
	word node_version, node_count; // items of the first chunk
	word seq, map_count[2], map_root[2];
	word free_page;
	past done;

	void before()
	{
		set(seq, 1);
		for (int i = 0; i < 2; i++) {
			set(map_count[i], i ? 2 : 0);
			set(map_root[i], i ? 0 : 2);
		}
		for (int i = 0; i < 3; i++) {
			bool used = copies ? i == 0 : i < 2;
			set(pages[i].version, stamp_unit + used);
			set(pages[i].count, copies ? 2 : 1);
			for (int k = 0; k < 6; k++)
				pages[i].set_item(k, 10 + (copies ? k : i));
		}
		set(node_version, stamp_unit + 1);
		set(node_count, 1);
		set(free_page, 1);
		done.begin({ 10, 11 });
	}

	/* The chunk, slot and version of an index by the mapping of *q; no_such, unknown or 0. */
	int find(int index, int *q, int *chunk, int *slot, int *version)
	{
		*q = seq.load(seq_cst, $);
		int count = get(map_count[*q & 1]), root = get(map_root[*q & 1]);
		if (!is_same(seq, *q))
			return unknown;
		if (index == COUNT_ONLY)
			return count;
		if (index >= count)
			return no_such;
		*chunk = root;
		*slot = index;
		if (!copies) {
			int before = node_version.load(acquire, $);
			if (!acceptable(before, *q, false))
				return unknown;
			int first = get(node_count);
			*chunk = index >= first;
			*slot = index - (*chunk ? first : 0);
			if (!is_same(node_version, before))
				return unknown;
		}
		*version = pages[*chunk].version.load(seq_cst, $);
		if (!acceptable(*version, *q, true) || *slot >= get(pages[*chunk].count))
			return unknown;
		return 0;
	}

	void read(int index)
	{
		int q, chunk, slot, version;
		int result = find(index, &q, &chunk, &slot, &version);
		if (result == 0 && index != COUNT_ONLY) {
			result = pages[chunk].get_item(slot);
			if (weakened != NO_LAST_LOOK && !is_same(pages[chunk].version, version))
				result = unknown;
		}
		done.add(2, index == COUNT_ONLY ? COUNT : GET, index, 0, result);
	}

	void replace(int index, int value)
	{
		int q, chunk, slot, version;
		int result = find(index, &q, &chunk, &slot, &version);
		if (result != 0) {
			done.add(1, REPLACE, index, value, result);
			return;
		}
		page &at = pages[chunk];
		int seen = version;
		if (!at.version.compare_exchange_strong(seen, version - 1, seq_cst, $, relaxed, $))
			return;
		if (weakened != NO_SEQ_AGAIN && seq.load(weak(AGAIN_ORDER, seq_cst), $) != q) {
			at.version.store(version, release, $);
			return;
		}
		fence(CLOSE_FENCE, release);
		result = at.get_item(slot);
		at.set_item(slot, value);
		int after = version / stamp_unit < q ? q * stamp_unit + 1 : version + step;
		if (weakened == REPLACE_OLD_STAMP)
			after = version + step;
		at.version.store(after, weak(OPEN_ORDER, release), $);
		done.add(1, REPLACE, index, value, result);
	}

	void flip(int count, int root)
	{
		int next = get(seq) + 1;
		rl::atomic_thread_fence(release, $);
		set(map_count[next & 1], count);
		set(map_root[next & 1], root);
		seq.store(next, weak(FLIP_ORDER, seq_cst), $);
	}

	void close_path()
	{
		set(node_version, get(node_version) & ~1);
		pages[0].close();
		fence(CLOSE_FENCE, release);
	}

	/* An item more or less at the front of the first chunk. */
	int change_in_place(bool insert, int value)
	{
		page &at = pages[0];
		int count = get(at.count), more = insert ? 1 : -1;
		if (weakened != CLOSE_LATE)
			close_path();
		flip(get(map_count[get(seq) & 1]) + more, 0);
		if (weakened == CLOSE_LATE)
			close_path();
		int version = get(seq) * stamp_unit + 1;
		set(node_count, get(node_count) + more);
		node_version.store(version, weak(OPEN_ORDER, release), $);
		if (weakened == OPEN_EARLY)
			at.version.store(version, release, $);
		int old = at.get_item(0);
		for (int i = count; insert && i > 0; i--)
			at.set_item(i, at.get_item(i - 1));
		for (int i = 0; !insert && i + 1 < count; i++)
			at.set_item(i, at.get_item(i + 1));
		if (insert)
			at.set_item(0, value);
		set(at.count, count + more);
		at.version.store(version, weak(OPEN_ORDER, release), $);
		return insert ? value : old;
	}

	int change_by_copy(bool insert, int value)
	{
		int root = get(map_root[get(seq) & 1]), next = get(free_page);
		page &from = pages[root], &to = pages[next];
		int count = get(from.count), stamp = weakened == TAKE_OLD_STAMP ? 1 : get(seq) + 1;
		set(to.version, stamp * stamp_unit + 1);
		rl::atomic_thread_fence(release, $);
		if (weakened != COPY_OPEN)
			from.close();
		for (int i = 0; i < count; i++)
			if (insert || i > 0)
				to.set_item(i + (insert ? 1 : -1), from.get_item(i));
		int old = from.get_item(0);
		if (insert)
			to.set_item(0, value);
		set(to.count, count + (insert ? 1 : -1));
		flip(count + (insert ? 1 : -1), next);
		set(from.version, get(from.version) & ~1);
		set(free_page, root);
		return insert ? value : old;
	}

	void change(bool insert, int value)
	{
		int result = copies ? change_by_copy(insert, value) : change_in_place(insert, value);
		done.add(0, insert ? INSERT_FIRST : REMOVE_FIRST, 0, value, result);
	}

	void thread(unsigned index)
	{
		if (index == 0) {
			change(true, 20);
			if (what != INSERT)
				change(what == INSERT_TWO, 21);
		} else if (index == 1) {
			replace(replaced, 30);
			replace(replaced, 31);
		} else {
			read(read_first);
			read(read_second);
		}
	}

	void after()
	{
		int which = get(seq) & 1, n = 0;
		for (int chunk = 0; chunk < (copies ? 1 : 2); chunk++) {
			page &at = pages[copies ? get(map_root[which]) : chunk];
			for (int i = 0; i < get(at.count); i++)
				done.last[n++] = at.get_item(i);
		}
		done.last_count = n;
		RL_ASSERT(n == get(map_count[which]));
		RL_ASSERT(done.is_explained());
	}
};

/* --- the tail chunk: the mapping and its tail_end --- */

enum tail_script { APPEND_AND_REMOVE, USE_AGAIN, REPLACE_LATER, MOVE_DOWN };

template <tail_script what, int read_first, int read_second>
struct tail : rl::test_suite<tail<what, read_first, read_second>, 2> {
	word seq, map_start[2], tail_end[2];
	page chunk;
	past done;

	void before()
	{
		const int start = what == MOVE_DOWN ? 1 : 0;
		set(seq, 1);
		for (int i = 0; i < 2; i++) {
			set(map_start[i], i ? start : 4);
			set(tail_end[i], i || weakened == ONE_TAIL_END ? start + 3 : 4);
		}
		if (weakened == ONE_MAPPING)
			set(map_start[0], start);
		set(chunk.version, stamp_unit + 1);
		for (int i = 0; i < 6; i++)
			chunk.set_item(i, 10 + i - start);
		done.begin({ 10, 11, 12 });
	}

	word &start_of(int q)
	{
		return map_start[weakened == ONE_MAPPING ? 0 : q & 1];
	}

	word &end_of(int q)
	{
		return tail_end[weakened == ONE_TAIL_END ? 0 : q & 1];
	}

	int read(int index)
	{
		int q = seq.load(seq_cst, $);
		int start = get(start_of(q)), end = end_of(q).load(acquire, $);
		if (weakened != NO_SEQ_AFTER_MAPPING && !is_same(seq, q))
			return unknown;
		if (index >= end - start)
			return no_such;
		int before = chunk.version.load(acquire, $);
		if (!acceptable(before, q, true))
			return unknown;
		int result = chunk.get_item(start + index);
		if (weakened != NO_LAST_LOOK && !is_same(chunk.version, before))
			return unknown;
		return is_same(seq, q) ? result : unknown;
	}

	void flip(int start, int end)
	{
		int next = get(seq) + 1;
		rl::atomic_thread_fence(release, $);
		set(start_of(next), start);
		set(end_of(next), end);
		seq.store(next, weak(FLIP_ORDER, seq_cst), $);
	}

	void append(int value)
	{
		word &end = end_of(get(seq));
		int at = get(end);
		if (weakened == TAIL_END_FIRST)
			end.store(at + 1, release, $);
		chunk.set_item(at, value);
		end.store(at + 1, weak(TAIL_STORE, release), $);
		done.add(0, APPEND, 0, value, 0);
	}

	void remove(bool first)
	{
		int q = get(seq), start = get(start_of(q)), end = get(end_of(q));
		int result = chunk.get_item(first ? start : end - 1);
		/* The slot of the last one is used again. */
		if (!first && weakened != NO_RESTAMP) {
			set(chunk.version, (q + 1) * stamp_unit + 1);
			rl::atomic_thread_fence(release, $);
		}
		flip(start + first, end - !first);
		done.add(0, first ? REMOVE_FIRST : REMOVE_LAST, 0, 0, result);
	}

	/* Under T. */
	void replace(int index, int value)
	{
		int slot = get(start_of(get(seq))) + index, version = chunk.close();
		fence(CLOSE_FENCE, release);
		int result = chunk.get_item(slot);
		chunk.set_item(slot, value);
		int stamped = get(seq) * stamp_unit + 1;
		chunk.version.store(
			stamped > version ? stamped : version + step, weak(OPEN_ORDER, release), $);
		done.add(0, REPLACE, index, value, result);
	}

	/* Remove the first; the others move down by two slots. */
	void move_down()
	{
		int start = get(start_of(get(seq))), end = get(end_of(get(seq)));
		chunk.close();
		fence(CLOSE_FENCE, release);
		int result = chunk.get_item(start);
		flip(start - 1, end - 2);
		for (int i = start - 1; i < end - 2; i++)
			chunk.set_item(i, chunk.get_item(i + 2));
		chunk.version.store(get(seq) * stamp_unit + 1, weak(OPEN_ORDER, release), $);
		done.add(0, REMOVE_FIRST, 0, 0, result);
	}

	void write()
	{
		switch (what) {
		case APPEND_AND_REMOVE:
			append(20);
			remove(true);
			append(21);
			remove(true);
			break;
		case USE_AGAIN:
			remove(false);
			append(20);
			break;
		case REPLACE_LATER:
			remove(true);
			replace(1, 30);
			break;
		case MOVE_DOWN:
			move_down();
		}
	}

	void thread(unsigned index)
	{
		if (index == 0) {
			write();
			return;
		}
		done.add(1, GET, read_first, 0, read(read_first));
		done.add(1, GET, read_second, 0, read(read_second));
	}

	void after()
	{
		int q = get(seq), n = 0;
		for (int i = get(start_of(q)); i < get(end_of(q)); i++)
			done.last[n++] = chunk.get_item(i);
		done.last_count = n;
		RL_ASSERT(done.is_explained());
	}
};

/* Replaced, and read, in the chunk whose place shifts: replace before or after it does, read behind it. */
typedef body<false, INSERT, 1, 2, 2> shifted;
typedef body<false, INSERT, 2, 1, 1> shifted_late;
/* In the chunk that changes. */
typedef body<false, INSERT_AND_REMOVE, 0, 0, 1> changed;
typedef body<false, INSERT, 1, COUNT_ONLY, 1> counted;
typedef body<true, INSERT_TWO, 1, 0, 0> copied;
typedef body<true, INSERT_AND_REMOVE, 1, 1, 2> copied_back;
typedef tail<APPEND_AND_REMOVE, 2, 3> appended;
typedef tail<USE_AGAIN, 2, 0> used_again;
typedef tail<REPLACE_LATER, 2, 1> replaced_later;
typedef tail<MOVE_DOWN, 1, 0> moved_down;

static void hold_all(uint64_t many)
{
	model_holds<shifted>("in place, behind", many, 1);
	model_holds<shifted_late>("in place, replaced later", many, 1);
	model_holds<changed>("in place, front", many, 1);
	model_holds<counted>("in place, counted", many, 1);
	model_holds<copied>("by copy", many, 1);
	model_holds<copied_back>("by copy and back", many, 1);
	model_holds<appended>("tail, appends", many, 2);
	model_holds<used_again>("tail, slots used again", many, 3);
	model_holds<replaced_later>("tail, replaced", many, 3);
	model_holds<moved_down>("tail, moved", many, 3);
}

/* One who stands still while the others finish is rare at random, and soon found among all runs with few preemptions. */
template <typename Model> static void breaks(const char *name, int place, const char *what, uint64_t many)
{
	model_seen seen;
	weakened = place;
	bool right = model_search<Model>(rl::sched_bound, UINT64_MAX, 1, &seen) &&
		     model_search<Model>(rl::sched_random, many, 0, &seen) &&
		     model_search<Model>(rl::sched_bound, many, 2, &seen);
	weakened = 0;
	model_ok(!right, name, what, seen);
}

static void weaken_in_place(uint64_t many)
{
	const char *behind = "in place, behind", *later = "in place, replaced later",
		   *front = "in place, front";
	breaks<shifted_late>(later, NO_STAMP, "found: the chunk's stamp is not looked at", many);
	breaks<shifted_late>(later, REPLACE_OLD_STAMP, "found: replace leaves the stamp as it was", many);
	breaks<shifted>(behind, NO_SEQ_AGAIN, "found: replace does not look at seq again", many);
	breaks<shifted>(behind, AGAIN_ORDER, "found: seq is looked at again relaxed", many);
	breaks<changed>(front, OPEN_ORDER, "found: pages are opened relaxed", many);
	breaks<changed>(front, FLIP_ORDER, "found: seq is stored relaxed", many);
	breaks<changed>(front, NO_LAST_LOOK, "found: the version is looked at once", many);
	breaks<changed>(front, OPEN_EARLY, "found: the chunk is opened before it is changed", many);
	breaks<changed>(front, READ_FENCE, "found: no fence before the last look", many);
	breaks<changed>(front, CLOSE_FENCE, "found: no fence after closing", many);
	breaks<counted>("in place, counted", CLOSE_LATE, "found: pages are closed after the commit", many);
}

static void weaken_copies(uint64_t many)
{
	breaks<copied>("by copy", NO_STAMP, "found: the chunk's stamp is not looked at", many);
	breaks<copied>("by copy", COPY_OPEN, "found: a chunk is copied while it is open", many);
	breaks<copied>("by copy", TAKE_OLD_STAMP, "found: a page is used again with an old stamp", many);
	breaks<copied>("by copy", NO_LAST_LOOK, "found: the version is looked at once", many);
	breaks<copied>("by copy", FLIP_ORDER, "found: seq is stored relaxed", many);
}

static void weaken_tail(uint64_t many)
{
	const char *appends = "tail, appends", *again = "tail, slots used again", *later = "tail, replaced";
	breaks<appended>(appends, NO_SEQ_AFTER_MAPPING, "found: no look at seq after the mapping", many);
	breaks<appended>(appends, ONE_MAPPING, "found: one mapping, changed where it is", many);
	breaks<appended>(appends, FLIP_ORDER, "found: seq is stored relaxed", many);
	breaks<appended>(appends, TAIL_END_FIRST, "found: the end is stored before the item", many);
	breaks<appended>(appends, TAIL_STORE, "found: the end is stored relaxed", many);
	breaks<used_again>(again, NO_RESTAMP, "found: a slot is used again under one version", many);
	breaks<used_again>(again, NO_STAMP, "found: the chunk's stamp is not looked at", many);
	breaks<used_again>(again, READ_FENCE, "found: no fence before the last look", many);
	breaks<replaced_later>(later, NO_LAST_LOOK, "found: the version is looked at once", many);
	breaks<moved_down>("tail, moved", ONE_TAIL_END, "found: one end for both mappings", many);
}

int main()
{
	const uint64_t many = model_runs();
	hold_all(many);
	weaken_in_place(many);
	weaken_copies(many);
	weaken_tail(many);
	return model_done();
}
