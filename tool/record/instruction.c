#include "record/instruction.h"

#include <stdbool.h>
#include <string.h>

/* Operand size, repetition, lock, segments, address size. */
static bool is_prefix(uint8_t byte)
{
	return byte == 0x66 || byte == 0x67 || byte == 0xf0 || byte == 0xf2 || byte == 0xf3 || byte == 0x2e ||
	       byte == 0x36 || byte == 0x3e || byte == 0x26 || byte == 0x64 || byte == 0x65;
}

/* An instruction without its operands: the opcode map (0, 0f, 0f 38, 0f 3a are 0 to 3), the opcode, /r of ModRM. */
struct opcode {
	unsigned map, byte, reg;
	bool repeat; // prefix f3, also as VEX and EVEX have it
};

static bool one_of(unsigned byte, const char *list, size_t count)
{
	return memchr(list, (int)byte, count) != NULL;
}
#define ONE_OF(byte, list) one_of(byte, list, sizeof list - 1)

/* Bit n of the mask: /n writes. */
static bool group(const struct opcode *code, unsigned mask)
{
	return mask >> code->reg & 1;
}

static enum access of_group_one_byte(const struct opcode *code)
{
	bool writes;
	switch (code->byte) {
	case 0x80: /* arithmetic; /7 compares */
	case 0x81:
	case 0x83:
		writes = group(code, 0x7f);
		break;
	case 0xf6: /* test, not, neg, multiply, divide */
	case 0xf7:
		writes = group(code, 0x0c);
		break;
	case 0xfe: /* inc, dec, call, jmp, push */
	case 0xff:
		writes = group(code, 0x03);
		break;
	case 0xd9: /* x87 stores */
		writes = group(code, 0xcc);
		break;
	case 0xdb:
		writes = group(code, 0x8e);
		break;
	case 0xdd:
	case 0xdf:
		writes = group(code, 0xce);
		break;
	default:
		return ACCESS_UNKNOWN;
	}
	return writes ? ACCESS_WRITE : ACCESS_READ;
}

static enum access of_one_byte(const struct opcode *code)
{
	unsigned byte = code->byte;
	if (byte == 0xa4 || byte == 0xa5)
		return ACCESS_UNKNOWN; /* movs touches two places */
	enum access access = of_group_one_byte(code);
	if (access != ACCESS_UNKNOWN)
		return access;
	/* Arithmetic in columns of eight: the first two have memory for their result, but for cmp. */
	if (byte < 0x38 && (byte & 7) < 2)
		return ACCESS_WRITE;
	/* xchg, mov, pop, stos, shifts */
	return ONE_OF(byte, "\x86\x87\x88\x89\x8c\x8f\xa2\xa3\xaa\xab\xc0\xc1\xc6\xc7\xd0\xd1\xd2\xd3")
		       ? ACCESS_WRITE
		       : ACCESS_READ;
}

static enum access of_two_bytes(const struct opcode *code)
{
	bool writes;
	switch (code->byte) {
	case 0x7e: /* movd stores, movq (f3) loads */
		writes = !code->repeat;
		break;
	case 0xba: /* bt, bts, btr, btc */
		writes = group(code, 0xe0);
		break;
	case 0xae: /* fxsave, stmxcsr, xsave, xsaveopt */
		writes = group(code, 0x59);
		break;
	case 0xc7: /* cmpxchg16b, xsavec, xsaves */
		writes = group(code, 0x32);
		break;
	default:
		writes = (code->byte >= 0x90 && code->byte <= 0x9f) ||
			 /* vector stores, then bts, shld, shrd, cmpxchg, xadd, movnti */
			 ONE_OF(code->byte, "\x11\x13\x17\x29\x2b\x7f\xd6\xe7\xab\xb3\xbb\xa4\xa5\xac\xad\xb0"
					    "\xb1\xc0\xc1\xc3");
	}
	return writes ? ACCESS_WRITE : ACCESS_READ;
}

static enum access of_three_bytes(const struct opcode *code)
{
	bool writes;
	if (code->map == 2)
		/* masked and compressed stores, scatters, movbe; with f3 the stores of narrowed vectors */
		writes = ONE_OF(code->byte, "\x2e\x2f\x8e\x8a\x8b\x63\xa0\xa1\xa2\xa3") ||
			 (code->byte == 0xf1 && !code->repeat) ||
			 (code->repeat && code->byte >= 0x10 && code->byte <= 0x35 && (code->byte & 15) < 6);
	else
		writes = ONE_OF(code->byte, "\x14\x15\x16\x17\x19\x1b\x1d\x39\x3b"); /* extracts */
	return writes ? ACCESS_WRITE : ACCESS_READ;
}

/* VEX and EVEX carry map and prefix in bits of their own. Returns their length, 0 if this is none. */
static size_t vector_prefix(const uint8_t *bytes, size_t count, struct opcode *code)
{
	size_t length = bytes[0] == 0xc5 ? 2 : bytes[0] == 0xc4 ? 3 : bytes[0] == 0x62 ? 4 : 0;
	if (length == 0 || length > count)
		return 0;
	unsigned prefix = bytes[0] == 0x62 ? bytes[2] : bytes[length - 1];
	code->map = bytes[0] == 0xc5 ? 1 : bytes[1] & (bytes[0] == 0x62 ? 7 : 31);
	code->repeat = (prefix & 3) == 2;
	return length;
}

static size_t legacy_prefix(const uint8_t *bytes, size_t count, struct opcode *code)
{
	size_t at = 0;
	while (at < count && is_prefix(bytes[at])) {
		code->repeat |= bytes[at] == 0xf3;
		at++;
	}
	if (at < count && (bytes[at] & 0xf0) == 0x40)
		at++; /* REX */
	return at;
}

static size_t escape(const uint8_t *bytes, size_t count, struct opcode *code)
{
	if (count < 2 || bytes[0] != 0x0f)
		return 0;
	code->map = bytes[1] == 0x38 ? 2 : bytes[1] == 0x3a ? 3 : 1;
	return code->map == 1 ? 1 : 2;
}

enum access instruction_access_x86(const uint8_t *bytes, size_t count)
{
	struct opcode code = { 0 };
	if (count == 0)
		return ACCESS_UNKNOWN;
	size_t at = legacy_prefix(bytes, count, &code), vector = 0;
	if (at < count)
		vector = vector_prefix(bytes + at, count - at, &code);
	at += vector ? vector : escape(bytes + at, count - at, &code);
	if (at >= count)
		return ACCESS_UNKNOWN;
	code.byte = bytes[at];
	code.reg = at + 1 < count ? bytes[at + 1] >> 3 & 7 : 0;
	switch (code.map) {
	case 0:
		return of_one_byte(&code);
	case 1:
		return of_two_bytes(&code);
	case 2:
	case 3:
		return of_three_bytes(&code);
	default:
		return ACCESS_UNKNOWN;
	}
}

enum access instruction_access_arm64(const uint8_t *bytes, size_t count)
{
	if (count < 4)
		return ACCESS_UNKNOWN;
	uint32_t word =
		bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
	if ((word & 0xffffffe0) == 0xd50b7420) /* dc zva */
		return ACCESS_WRITE;
	if ((word & 0x0a000000) != 0x08000000)
		return ACCESS_UNKNOWN; /* neither load nor store */
	if ((word & 0x3b200c00) == 0x38200000)
		return ACCESS_WRITE; /* atomic memory operations */
	if ((word & 0x3b000000) == 0x18000000)
		return ACCESS_READ; /* load of a literal */
	if ((word & 0x3f207c00) == 0x08207c00 || (word & 0x3fa07c00) == 0x08a07c00)
		return ACCESS_WRITE; /* compare and swap */
	/* Bit 23 alone: loads that extend the sign. */
	bool immediate = (word & 0x3a000000) == 0x38000000, vector = word & 0x04000000;
	if (immediate && !vector)
		return word & 0x00c00000 ? ACCESS_READ : ACCESS_WRITE;
	return word & 0x00400000 ? ACCESS_READ : ACCESS_WRITE;
}

enum access instruction_access(const uint8_t *bytes, size_t count)
{
#if defined(__x86_64__)
	return instruction_access_x86(bytes, count);
#elif defined(__aarch64__)
	return instruction_access_arm64(bytes, count);
#else
	(void)bytes;
	(void)count;
	return ACCESS_UNKNOWN;
#endif
}
