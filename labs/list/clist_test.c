/* One thread passes through all methods of a list, first of structs, then of numbers. Says what is not right. */
#include "clist.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct bird {
	int rings;
	char name[12];
	double grams;
};

static int wrong;

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "clist_test: not so: %s\n", what);
	wrong++;
}

static bool is_bird(const struct bird *bird, const char *name)
{
	return bird && strcmp(bird->name, name) == 0;
}

/* Whether the birds of a list are those of a text of one letter each. */
static bool are_birds(CList *list, const char *letters)
{
	if (list->count(list) != (int)strlen(letters))
		return false;
	for (int i = 0; letters[i]; i++) {
		struct bird *bird = list->at(list, i);
		if (!bird || bird->name[0] != letters[i])
			return false;
	}
	return true;
}

static void test_changes(CList *list)
{
	struct bird owl = { 1, "owl", 480 }, robin = { 2, "robin", 18 }, wren = { 3, "wren", 9 };
	struct bird tit = { 4, "tit", 18 };

	list->add(list, &owl);
	list->add(list, &wren);
	list->insert(list, &robin, 1);
	check(are_birds(list, "orw"), "added and inserted");
	list->insert(list, &tit, 0);
	list->insert(list, &tit, 4);
	check(are_birds(list, "torwt"), "inserted at the ends");
	list->replace(list, &wren, 0);
	check(are_birds(list, "worwt"), "replaced");
	list->remove(list, 4);
	check(are_birds(list, "worw"), "removed");
	check(list->swap(list, 0, 1) == 1, "swap says yes");
	check(are_birds(list, "owrw"), "swapped");

	owl.rings = 100;
	struct bird *bird = list->at(list, 0);
	check(bird && bird->rings == 1 && bird->grams > 479, "the list has copies");
}

static void test_searches(CList *list)
{
	int rings = 3;
	double grams = 18;
	check(is_bird(list->firstMatch(list, &rings, 0, sizeof rings, 0), "wren"), "a number is found");
	check(list->index(list) == 1, "where it is first");
	check(is_bird(list->lastMatch(list, &rings, 0, sizeof rings, 0), "wren"), "and last");
	check(list->index(list) == 3, "where it is last");

	size_t shift = offsetof(struct bird, grams);
	check(is_bird(list->firstMatch(list, &grams, shift, sizeof grams, 0), "robin"), "by weight");
	shift = offsetof(struct bird, name);
	check(is_bird(list->firstMatch(list, "owl", shift, sizeof((struct bird *)0)->name, 1), "owl"),
		"by name");
	check(list->index(list) == 0, "index 0 is an index");
	check(!list->lastMatch(list, "ow", shift, sizeof((struct bird *)0)->name, 1), "a whole name");
	check(list->index(list) == -1, "nothing was found");
	check(is_bird(list->lastMatch(list, "ow", shift, 2, 1), "owl"), "the begin of a name");
	check(!list->firstMatch(list, &rings, list->itemSize(list), sizeof rings, 0), "behind the item");
}

/* What ends a program elsewhere is a "no" here. */
static void test_out_of_range(CList *list)
{
	struct bird owl = { 1, "owl", 480 };
	int count = list->count(list);
	const int numbers[] = { -1, count, count + 1, 1 << 30 };
	for (int i = 0; i < 4; i++) {
		int n = numbers[i];
		check(!list->at(list, n) && !list->replace(list, &owl, n), "there is no such bird");
		check(!list->remove(list, n), "it cannot be removed");
		check(!list->swap(list, 0, n) && !list->swap(list, n, 0), "nor swapped");
		check(n == count || !list->insert(list, &owl, n), "nor can one be put in front of it");
	}
	check(list->count(list) == count, "and nothing happened");
}

static void test_birds(void)
{
	CList *list = CList_init(sizeof(struct bird));
	if (!list) {
		check(false, "a list of birds");
		return;
	}
	check(list->itemSize(list) == sizeof(struct bird), "itemSize");
	check(list->count(list) == 0 && !list->at(list, 0), "an empty list");
	test_changes(list);
	test_searches(list);
	test_out_of_range(list);

	list->print(list, 0, 2, "int");
	list->print(list, offsetof(struct bird, name), 100, "string");
	list->print(list, offsetof(struct bird, name), 3, "char");
	list->print(list, offsetof(struct bird, grams), 4, "double");
	list->clear(list);
	check(list->count(list) == 0, "cleared");
	list->print(list, 0, 10, "int");
	list->free(list);
}

static void test_numbers(void)
{
	enum { COUNT = 10000 };
	CList *list = CList_init(sizeof(int));
	if (!list) {
		check(false, "a list of numbers");
		return;
	}
	check(list->realloc(list, COUNT) == 1 && list->allocSize(list) >= COUNT, "room for all");
	for (int i = 0; i < COUNT; i++)
		list->insert(list, &i, list->count(list) / 2);
	check(list->count(list) == COUNT, "all are there");
	for (int i = 0; i < COUNT; i++) {
		/* From the outside in: 1, 3, 5 ... 4, 2, 0. */
		int *number = list->at(list, i), want = i < COUNT / 2 ? 2 * i + 1 : 2 * (COUNT - 1 - i);
		check(number && *number == want, "each is where it belongs");
		check(list->firstMatch(list, &want, 0, sizeof want, 0) && list->index(list) == i,
			"and is found");
		i += i % 100 == 0 ? 0 : 98; /* a few will do */
	}
	list->print(list, 0, 3, "int");
	list->print(list, 0, 1, NULL);
	while (list->count(list) > 3)
		list->remove(list, list->count(list) / 2);
	check(list->realloc(list, 0) == 1 && list->count(list) == 3, "no room but for what is there");
	int *first = list->at(list, 0), *second = list->at(list, 1);
	check(first && second && *first < *second, "two copies at a time");
	list->free(list);
	check(!CList_init(0), "no list of nothing");
}

int main(void)
{
	test_birds();
	test_numbers();
	puts(wrong ? "clist_test: the list is wrong" : "clist_test: all is well");
	return wrong ? 1 : 0;
}
