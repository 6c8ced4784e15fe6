/* clist.c: CLIST's methods, each one call of libkin's list. */
#include "clist.h"

#include <kin/list.h>

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct clist {
	CList methods;
	struct kin_list *list;
	size_t size; /* of an item */
	uint64_t serial; /* no other list has it, before or after */
	_Atomic size_t room; /* items that realloc was asked for */
};

static struct clist *inside(CList *l)
{
	return l->priv;
}

static int to_int(size_t number)
{
	return number < INT_MAX ? (int)number : INT_MAX;
}

/* --- a thread's own: the copies it was given, what it found --- */

/* A program may hold several copies at a time: *(int *)l->at(l, 0) < *(int *)l->at(l, 1). */
#define COPIES 64
#define LARGE_COPIES 8
#define LARGE 4096

#define SEARCHES 64

struct copy {
	void *memory;
	size_t room;
};

struct search {
	uint64_t serial; /* of the list */
	int index;
};

struct desk {
	struct copy copies[COPIES];
	unsigned next;
	bool known; /* desk_finish is called when the thread ends */
	struct search searches[SEARCHES]; /* the latest first */
};

static __thread struct desk desk;
static pthread_key_t desk_key;
static pthread_once_t desk_once = PTHREAD_ONCE_INIT;
static bool desk_has_key;

static void desk_finish(void *arg)
{
	struct desk *own = arg;
	for (int i = 0; i < COPIES; i++)
		free(own->copies[i].memory);
	*own = (struct desk){ 0 };
}

static void desk_make_key(void)
{
	desk_has_key = pthread_key_create(&desk_key, desk_finish) == 0;
}

/* Whether what this thread is given will be freed when it ends. */
static bool desk_begin(void)
{
	if (!desk.known) {
		pthread_once(&desk_once, desk_make_key);
		desk.known = desk_has_key && pthread_setspecific(desk_key, &desk) == 0;
	}
	return desk.known;
}

/* Memory for a copy; it is the one that was given longest ago. */
static void *desk_copy(size_t size)
{
	unsigned number = desk.next % (size > LARGE ? LARGE_COPIES : COPIES);
	struct copy *copy = &desk.copies[number];
	if (copy->room < size) {
		if (!desk_begin())
			return NULL;
		void *memory = realloc(copy->memory, size);
		if (!memory)
			return NULL;
		*copy = (struct copy){ memory, size };
	}
	desk.next = number + 1;
	return copy->memory;
}

static void desk_found(uint64_t serial, int index)
{
	int place = 0;
	while (place < SEARCHES - 1 && desk.searches[place].serial && desk.searches[place].serial != serial)
		place++;
	memmove(&desk.searches[1], &desk.searches[0], (size_t)place * sizeof *desk.searches);
	desk.searches[0] = (struct search){ serial, index };
}

/* --- methods --- */

static void *add(CList *l, const void *o)
{
	void *copy = desk_copy(inside(l)->size);
	if (!copy || kin_list_append(inside(l)->list, o, NULL) < 0)
		return NULL;
	return memcpy(copy, o, inside(l)->size);
}

static void *insert(CList *l, const void *o, int n)
{
	void *copy = desk_copy(inside(l)->size);
	if (!copy || n < 0 || kin_list_insert(inside(l)->list, (size_t)n, o) < 0)
		return NULL;
	return memcpy(copy, o, inside(l)->size);
}

static void *replace(CList *l, const void *o, int n)
{
	void *copy = desk_copy(inside(l)->size);
	if (!copy || n < 0 || kin_list_replace(inside(l)->list, (size_t)n, o, NULL) < 0)
		return NULL;
	return memcpy(copy, o, inside(l)->size);
}

static int remove_one(CList *l, int n)
{
	return n >= 0 && kin_list_remove(inside(l)->list, (size_t)n, NULL) == 0;
}

static void *at(CList *l, int n)
{
	void *copy = desk_copy(inside(l)->size);
	if (!copy || n < 0 || kin_list_get(inside(l)->list, (size_t)n, copy) < 0)
		return NULL;
	return copy;
}

static int reallocate(CList *l, int n)
{
	if (n < 0)
		return 0;
	struct clist *list = inside(l);
	size_t count = kin_list_count(list->list), room = (size_t)n;
	if ((room > count ? kin_list_reserve(list->list, room - count) : kin_list_trim(list->list)) < 0)
		return 0;
	atomic_store(&list->room, room);
	return 1;
}

struct word {
	const char *text;
	size_t shift, size;
};

static int is_word(const void *item, void *arg)
{
	const struct word *word = arg;
	return strncmp((const char *)item + word->shift, word->text, word->size) == 0;
}

typedef int finder(struct kin_list *, const struct kin_list_search *, size_t *, void *);

static void *match(CList *l, finder *find, const void *o, size_t shift, size_t size, int string)
{
	struct clist *list = inside(l);
	void *copy = desk_copy(list->size);
	size_t index = 0;
	bool found = false;
	if (copy && shift < list->size && size <= list->size - shift) {
		struct word word = { o, shift, size ? size : list->size - shift };
		struct kin_list_search search = { .bytes = o, .offset = shift, .length = size };
		if (string)
			search = (struct kin_list_search){ .test = is_word, .arg = &word };
		found = find(list->list, &search, &index, copy) == 0;
	}
	desk_found(list->serial, found ? to_int(index) : -1);
	return found ? copy : NULL;
}

static void *first_match(CList *l, const void *o, size_t shift, size_t size, int string)
{
	return match(l, kin_list_find, o, shift, size, string);
}

static void *last_match(CList *l, const void *o, size_t shift, size_t size, int string)
{
	return match(l, kin_list_find_last, o, shift, size, string);
}

static int index_found(CList *l)
{
	for (int i = 0; i < SEARCHES; i++)
		if (desk.searches[i].serial == inside(l)->serial)
			return desk.searches[i].index;
	return -1;
}

static int swap(CList *l, int a, int b)
{
	return a >= 0 && b >= 0 && kin_list_swap(inside(l)->list, (size_t)a, (size_t)b) == 0;
}

static int count(CList *l)
{
	return to_int(kin_list_count(inside(l)->list));
}

static int alloc_size(CList *l)
{
	/* Memory that nobody has written to yet is not in what the list takes. */
	size_t taken = kin_list_memory(inside(l)->list) / inside(l)->size;
	size_t room = atomic_load(&inside(l)->room), used = kin_list_count(inside(l)->list);
	room = room > used ? room : used;
	return to_int(room > taken ? room : taken);
}

static size_t item_size(CList *l)
{
	return inside(l)->size;
}

/* --- print --- */

/* What is shown of an item: it may lie at an address that its type does not allow. */
struct view {
	const unsigned char *bytes;
	size_t size; /* what there is from shift to the item's end */
};

/* clang-format off */
#define SHOW(name, type, format, as) \
	static void show_##name(struct view view) \
	{ \
		type value; \
		memcpy(&value, view.bytes, sizeof value); \
		printf(format, (as)value); \
	}
/* clang-format on */
SHOW(char, char, "%c", int)
SHOW(short, short, "%d", int)
SHOW(int, int, "%d", int)
SHOW(unsigned, unsigned, "%u", unsigned)
SHOW(long, long, "%ld", long)
SHOW(size, size_t, "%zu", size_t)
SHOW(float, float, "%g", double)
SHOW(double, double, "%g", double)
SHOW(pointer, void *, "%p", void *)

static void show_string(struct view view)
{
	printf("%.*s", to_int(strnlen((const char *)view.bytes, view.size)), (const char *)view.bytes);
}

static void show_bytes(struct view view)
{
	for (size_t i = 0; i < view.size; i++)
		printf("%s%02x", i ? " " : "", view.bytes[i]);
}

struct type {
	const char *name;
	size_t size; /* bytes there have to be */
	void (*show)(struct view view);
};

static const struct type types[] = {
	{ "char", sizeof(char), show_char },
	{ "short", sizeof(short), show_short },
	{ "int", sizeof(int), show_int },
	{ "unsigned", sizeof(unsigned), show_unsigned },
	{ "long", sizeof(long), show_long },
	{ "size_t", sizeof(size_t), show_size },
	{ "uintptr_t", sizeof(uintptr_t), show_pointer },
	{ "float", sizeof(float), show_float },
	{ "double", sizeof(double), show_double },
	{ "pointer", sizeof(void *), show_pointer },
	{ "string", 1, show_string },
	{ NULL, 1, show_bytes },
};

/* What prints the parts of items that have `size` bytes from there on. */
static const struct type *find_type(const char *name, size_t size)
{
	const struct type *type = types;
	while (type->name && !(name && strcmp(type->name, name) == 0 && type->size <= size))
		type++;
	return type;
}

static void print(CList *l, size_t shift, int n, const char *type)
{
	struct clist *list = inside(l);
	struct kin_snapshot *snapshot;
	if (kin_list_snapshot(list->list, &snapshot) < 0)
		return;
	printf("list of %zu, %zu bytes each\n", kin_snapshot_count(snapshot), list->size);
	size_t rest = shift < list->size ? list->size - shift : 0;
	const struct type *shown = find_type(type, rest);
	for (size_t i = 0; rest && n > 0 && i < (size_t)n; i++) {
		const unsigned char *item = kin_snapshot_at(snapshot, i, NULL);
		if (!item)
			break;
		printf("%zu: ", i);
		shown->show((struct view){ item + shift, rest });
		putchar('\n');
	}
	kin_snapshot_release(snapshot);
}

/* --- lifetime --- */

static void clear(CList *l)
{
	kin_list_clear(inside(l)->list);
	atomic_store(&inside(l)->room, 0);
}

static void free_all(CList *l)
{
	if (!l)
		return;
	kin_list_destroy(inside(l)->list);
	free(inside(l));
}

static const CList all_methods = {
	.add = add,
	.insert = insert,
	.replace = replace,
	.remove = remove_one,
	.at = at,
	.realloc = reallocate,
	.firstMatch = first_match,
	.lastMatch = last_match,
	.index = index_found,
	.swap = swap,
	.count = count,
	.allocSize = alloc_size,
	.itemSize = item_size,
	.print = print,
	.clear = clear,
	.free = free_all,
};

CList *CList_init(size_t objSize)
{
	static _Atomic uint64_t lists;
	struct clist *list = calloc(1, sizeof *list);
	if (!list)
		return NULL;
	if (kin_list_create(&list->list, objSize) < 0) {
		free(list);
		return NULL;
	}
	list->methods = all_methods;
	list->methods.priv = list;
	list->size = objSize;
	list->serial = atomic_fetch_add(&lists, 1) + 1;
	return &list->methods;
}
