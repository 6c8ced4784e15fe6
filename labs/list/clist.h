/*
 * clist.h: the shape of CLIST, the growing array with methods of AlexanderAgd, over libkin's list. A program written
 * for CLIST compiles with this header in place of its own, is linked with clist.c and libkin, and may then use a list
 * from as many threads as it likes.
 *
 *	CList *l = CList_init(sizeof(int));
 *	int number = 7;
 *	l->add(l, &number);
 *	for (int i = 0; i < l->count(l); i++)
 *		printf("%d\n", *(int *)l->at(l, i));
 *	l->free(l);
 *
 * Each call takes effect at one instant (include/kin/list.h says more). What is other than in an array for one thread:
 *
 * - Where CLIST hands out a pointer into its array, this hands out a copy: another thread may move or remove the item.
 *   The copy is the calling thread's. It lasts over that thread's next 63 calls that return a pointer, of any list,
 *   if items have at most 4096 bytes, over 7 if not; and no longer than the thread. Writing to a copy changes nothing
 *   in the list; that is what replace is for.
 * - index() is what the calling thread's own last search of this list found.
 * - Nothing is printed and nothing ends the program where an index is out of range: the call returns NULL or 0.
 */
#ifndef CLIST_H
#define CLIST_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A struct behind a typedef, against our custom: it is the name that programs use. */
typedef struct CList CList;

/*
 * Items have numbers from 0. Methods that take an item copy it. Those that return a pointer return a copy of the item
 * concerned, NULL if there is no such item or no memory; those that return int and change the list, 1 if they did so,
 * otherwise 0.
 */
struct CList {
	/* Put an item behind the last one. */
	void *(*add)(CList *l, const void *o);
	/* Put an item in front of number n; if that is count, behind the last one. */
	void *(*insert)(CList *l, const void *o, int n);
	/* Overwrite item n. */
	void *(*replace)(CList *l, const void *o, int n);
	/* Remove item n. */
	int (*remove)(CList *l, int n);
	/* Item n. */
	void *(*at)(CList *l, int n);
	/* Have memory for n items in all, or give back what those that are there do not need. */
	int (*realloc)(CList *l, int n);
	/*
	 * The first item, or the last, of which the part of size bytes, shift bytes from its begin, is equal to o;
	 * size 0: all from there on. With string not 0 both are C strings: what follows the first NUL does not count.
	 */
	void *(*firstMatch)(CList *l, const void *o, size_t shift, size_t size, int string);
	void *(*lastMatch)(CList *l, const void *o, size_t shift, size_t size, int string);
	/*
	 * The number that the last search of this list in this thread found, -1 if it found nothing or there was none:
	 * 0 is an item's number. A thread remembers the searches of the 64 lists it searched last.
	 */
	int (*index)(CList *l);
	/* Exchange two items. */
	int (*swap)(CList *l, int a, int b);
	/* How many items there are, INT_MAX if that is too many for an int. */
	int (*count)(CList *l);
	/* How many items there is memory for, likewise. */
	int (*allocSize)(CList *l);
	/* Bytes of an item. */
	size_t (*itemSize)(CList *l);
	/*
	 * Print to stdout how many items there are and the first n of them, as they were together at one instant: what
	 * is shift bytes from their begin, as a "char", "short", "int", "unsigned", "long", "size_t", "uintptr_t",
	 * "float", "double", "pointer" or "string"; NULL, another word, or more bytes than there are: as bytes.
	 */
	void (*print)(CList *l, size_t shift, int n, const char *type);
	/* Remove all items. */
	void (*clear)(CList *l);
	/* Free the list. No other thread uses it any more. */
	void (*free)(CList *l);
	/* What is behind it; nobody's business. */
	void *priv;
};

/*
 * An empty list of items of so many bytes, owned by the caller: l->free(l). NULL: no such size (0, more than 1 MiB), or
 * no memory.
 */
CList *CList_init(size_t objSize);

#ifdef __cplusplus
}
#endif

#endif
