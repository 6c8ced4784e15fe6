#include "expect/value.h"

#include "model/names.h"

#include <inttypes.h>
#include <string.h>

static const char *const type_names[] = {
	[TYPE_BOOL] = "a yes or no",
	[TYPE_NUMBER] = "a number",
	[TYPE_DURATION] = "a duration",
	[TYPE_SIZE] = "a size",
	[TYPE_STRING] = "a string",
	[TYPE_WORDS] = "a list of strings",
	[TYPE_FLAGS] = "a set of flags",
	[TYPE_SIGNAL] = "a signal",
	[TYPE_ERROR] = "an error",
};

const char *type_name(enum value_type type)
{
	return type_names[type];
}

bool type_is_quantity(enum value_type type)
{
	return type == TYPE_NUMBER || type == TYPE_DURATION || type == TYPE_SIZE;
}

#define KIB INT64_C(1024)
#define SECOND INT64_C(1000000000)

static const struct unit {
	const char *name;
	enum value_type type;
	int64_t worth;
	bool shown; // values are written in it; the larger come later
} units[] = {
	{ "ns", TYPE_DURATION, 1, true },
	{ "us", TYPE_DURATION, 1000, true },
	{ "ms", TYPE_DURATION, 1000000, true },
	{ "s", TYPE_DURATION, SECOND, true },
	{ "min", TYPE_DURATION, 60 * SECOND, false },
	{ "h", TYPE_DURATION, 3600 * SECOND, false },
	{ "B", TYPE_SIZE, 1, true },
	{ "kB", TYPE_SIZE, 1000, false },
	{ "MB", TYPE_SIZE, 1000000, false },
	{ "GB", TYPE_SIZE, 1000000000, false },
	{ "KiB", TYPE_SIZE, KIB, true },
	{ "MiB", TYPE_SIZE, KIB *KIB, true },
	{ "GiB", TYPE_SIZE, KIB *KIB *KIB, true },
};
#define N_UNITS (sizeof units / sizeof *units)

bool unit_find(const char *name, size_t length, enum value_type *type, int64_t *worth)
{
	for (size_t i = 0; i < N_UNITS; i++) {
		if (strlen(units[i].name) != length || memcmp(units[i].name, name, length) != 0)
			continue;
		*type = units[i].type;
		*worth = units[i].worth;
		return true;
	}
	return false;
}

void value_set_count(struct value *value, enum value_type type, uint64_t count)
{
	bool fits = count <= INT64_MAX;
	struct fraction exact = fraction_of(fits ? (int64_t)count : INT64_MAX);
	*value = (struct value){ .type = type, .range = { .low = exact, .high = exact, .no_high = !fits } };
	if (!fits)
		value->why.text = "the number is too large";
}

void value_set_truth(struct value *value, bool truth)
{
	*value = (struct value){ .type = TYPE_BOOL, .truth = truth ? TRUTH_YES : TRUTH_NO };
}

void value_set_string(struct value *value, const char *string)
{
	*value = (struct value){ .type = TYPE_STRING, .known = true, .string = string ? string : "" };
}

void value_set_unknown(struct value *value, enum value_type type, const char *why, const struct task *task)
{
	value_set_count(value, type, 0);
	value->range.no_high = true;
	value->truth = TRUTH_UNKNOWN;
	value->known = false;
	value->why = (struct reason){ .text = why, .task = task };
}

bool value_is_exact(const struct value *value)
{
	switch (value->type) {
	case TYPE_BOOL:
		return value->truth != TRUTH_UNKNOWN;
	case TYPE_STRING:
	case TYPE_WORDS:
	case TYPE_FLAGS:
		return value->known;
	default:
		return range_is_exact(&value->range);
	}
}

/* above / below with all its decimals if there are at most nine, rounded there otherwise. */
static void format_decimal(struct text *text, struct fraction number, int64_t unit)
{
	bool negative = number.above < 0;
	unsigned __int128 above = (unsigned __int128)(negative ? -(__int128)number.above : number.above);
	unsigned __int128 below = (unsigned __int128)number.below * (unsigned __int128)unit;
	uint64_t whole = (uint64_t)(above / below);
	unsigned __int128 rest = above % below;
	char digits[10] = "";
	for (int i = 0; i < 9; i++) {
		rest *= 10;
		digits[i] = (char)('0' + (int)(rest / below));
		rest %= below;
	}
	for (int i = 8; i >= 0 && digits[i] == '0'; i--)
		digits[i] = '\0';
	text_printf(text, "%s%" PRIu64 "%s%s", negative ? "-" : "", whole, *digits ? "." : "", digits);
}

/* The largest unit that leaves at least 1 (durations), or no remainder (sizes: kernels count them in KiB). */
static const struct unit *fitting_unit(enum value_type type, struct fraction number)
{
	const struct unit *best = NULL;
	int64_t amount = number.above < 0 ? -number.above : number.above;
	for (size_t i = 0; i < N_UNITS; i++) {
		if (units[i].type != type || !units[i].shown)
			continue;
		bool large_enough = amount / number.below >= units[i].worth;
		bool divides = number.below == 1 && amount % units[i].worth == 0;
		if (!best || (large_enough && (type == TYPE_DURATION || divides)))
			best = &units[i];
	}
	return best;
}

static void format_number(struct text *text, enum value_type type, struct fraction number)
{
	char name[24];
	if (type == TYPE_SIGNAL) {
		text_add(text, number.above ? signal_name((int)number.above, name) : "0");
	} else if (type == TYPE_ERROR) {
		text_add(text, number.above ? error_name((int)number.above, name) : "0");
	} else if (type == TYPE_NUMBER) {
		format_decimal(text, number, 1);
	} else {
		const struct unit *unit = fitting_unit(type, number);
		format_decimal(text, number, unit->worth);
		text_add(text, unit->name);
	}
}

static void format_range(struct text *text, enum value_type type, const struct range *range)
{
	if (range_is_exact(range)) {
		format_number(text, type, range->low);
	} else if ((range->no_low || range->low.above == 0) && range->no_high) {
		text_add(text, "not known");
	} else if (range->no_high) {
		text_add(text, "at least ");
		format_number(text, type, range->low);
	} else if (range->no_low) {
		text_add(text, "at most ");
		format_number(text, type, range->high);
	} else {
		format_number(text, type, range->low);
		text_add(text, " to ");
		format_number(text, type, range->high);
	}
}

static void format_words(struct text *text, const struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		text_printf(text, "%s\"%s\"", i ? " " : "", words->word[i]);
}

void value_format(struct text *text, const struct value *value)
{
	if (value->type == TYPE_BOOL) {
		text_add(text, value->truth == TRUTH_UNKNOWN ? "not known" : value->truth ? "yes" : "no");
		return;
	}
	if (type_is_quantity(value->type) || value->type == TYPE_SIGNAL || value->type == TYPE_ERROR) {
		format_range(text, value->type, &value->range);
		return;
	}
	if (!value->known)
		text_add(text, "not known");
	else if (value->type == TYPE_STRING)
		text_printf(text, "\"%s\"", value->string);
	else if (value->type == TYPE_WORDS)
		format_words(text, value->words);
	else if (value->flags == 0)
		text_add(text, "0");
	else
		clone_flags_format(text, value->flags);
}

void reason_format(struct text *text, const struct reason *reason)
{
	if (!reason->text)
		return;
	text_add(text, reason->text);
	if (reason->task)
		text_printf(text, " (task %d %s)", reason->task->tid, task_title(reason->task));
}
