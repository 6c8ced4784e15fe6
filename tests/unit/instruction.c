/* Which instructions write memory. The encodings are an assembler's. */
#include "tap.h"

#include "record/instruction.h"

struct sample {
	const char *text;
	uint8_t bytes[INSTRUCTION_MOST];
	size_t count;
	enum access access;
};

#define SAMPLE(text, access, ...) \
	{ \
		text, { __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ }), access \
	}

static const struct sample x86[] = {
	SAMPLE("mov %rax,(%rdi)", ACCESS_WRITE, 0x48, 0x89, 0x07),
	SAMPLE("mov (%rdi),%rax", ACCESS_READ, 0x48, 0x8b, 0x07),
	SAMPLE("movb $1,(%rdi)", ACCESS_WRITE, 0xc6, 0x07, 0x01),
	SAMPLE("movzbl (%rdi),%eax", ACCESS_READ, 0x0f, 0xb6, 0x07),
	SAMPLE("movslq (%rdi),%rax", ACCESS_READ, 0x48, 0x63, 0x07),
	SAMPLE("add %rax,(%rdi)", ACCESS_WRITE, 0x48, 0x01, 0x07),
	SAMPLE("add (%rdi),%rax", ACCESS_READ, 0x48, 0x03, 0x07),
	SAMPLE("cmp %rax,(%rdi)", ACCESS_READ, 0x48, 0x39, 0x07),
	SAMPLE("addl $1,(%rdi)", ACCESS_WRITE, 0x83, 0x07, 0x01),
	SAMPLE("cmpl $1,(%rdi)", ACCESS_READ, 0x83, 0x3f, 0x01),
	SAMPLE("testb $1,(%rdi)", ACCESS_READ, 0xf6, 0x07, 0x01),
	SAMPLE("notl (%rdi)", ACCESS_WRITE, 0xf7, 0x17),
	SAMPLE("divl (%rdi)", ACCESS_READ, 0xf7, 0x37),
	SAMPLE("incl (%rdi)", ACCESS_WRITE, 0xff, 0x07),
	SAMPLE("call *(%rdi)", ACCESS_READ, 0xff, 0x17),
	SAMPLE("jmp *0x10(%rip)", ACCESS_READ, 0xff, 0x25, 0x10, 0, 0, 0),
	SAMPLE("shll (%rdi)", ACCESS_WRITE, 0xd1, 0x27),
	SAMPLE("xchg %rax,(%rdi)", ACCESS_WRITE, 0x48, 0x87, 0x07),
	SAMPLE("lock cmpxchg %ecx,(%rdi)", ACCESS_WRITE, 0xf0, 0x0f, 0xb1, 0x0f),
	SAMPLE("lock xadd %eax,(%rdi)", ACCESS_WRITE, 0xf0, 0x0f, 0xc1, 0x07),
	SAMPLE("cmpxchg16b (%rdi)", ACCESS_WRITE, 0x48, 0x0f, 0xc7, 0x0f),
	SAMPLE("rep stosb", ACCESS_WRITE, 0xf3, 0xaa),
	SAMPLE("rep movsb", ACCESS_UNKNOWN, 0xf3, 0xa4),
	SAMPLE("repnz scasb", ACCESS_READ, 0xf2, 0xae),
	SAMPLE("sete (%rdi)", ACCESS_WRITE, 0x0f, 0x94, 0x07),
	SAMPLE("btsl $1,(%rdi)", ACCESS_WRITE, 0x0f, 0xba, 0x2f, 0x01),
	SAMPLE("btl $1,(%rdi)", ACCESS_READ, 0x0f, 0xba, 0x27, 0x01),
	SAMPLE("movups %xmm0,(%rdi)", ACCESS_WRITE, 0x0f, 0x11, 0x07),
	SAMPLE("movups (%rdi),%xmm0", ACCESS_READ, 0x0f, 0x10, 0x07),
	SAMPLE("movdqa %xmm0,(%rdi)", ACCESS_WRITE, 0x66, 0x0f, 0x7f, 0x07),
	SAMPLE("movq %xmm0,(%rdi)", ACCESS_WRITE, 0x66, 0x0f, 0xd6, 0x07),
	SAMPLE("movq (%rdi),%xmm0", ACCESS_READ, 0xf3, 0x0f, 0x7e, 0x07),
	SAMPLE("movd %xmm0,(%rdi)", ACCESS_WRITE, 0x66, 0x0f, 0x7e, 0x07),
	SAMPLE("movnti %eax,(%rdi)", ACCESS_WRITE, 0x0f, 0xc3, 0x07),
	SAMPLE("pextrd $1,%xmm0,(%rdi)", ACCESS_WRITE, 0x66, 0x0f, 0x3a, 0x16, 0x07, 0x01),
	SAMPLE("pcmpistri $0,(%rdi),%xmm0", ACCESS_READ, 0x66, 0x0f, 0x3a, 0x63, 0x07, 0x00),
	SAMPLE("movbe %eax,(%rdi)", ACCESS_WRITE, 0x0f, 0x38, 0xf1, 0x07),
	SAMPLE("vmovdqu %ymm0,(%rdi)", ACCESS_WRITE, 0xc5, 0xfe, 0x7f, 0x07),
	SAMPLE("vmovdqu (%rdi),%ymm0", ACCESS_READ, 0xc5, 0xfe, 0x6f, 0x07),
	SAMPLE("vpcmpeqb (%rdi),%ymm0,%ymm1", ACCESS_READ, 0xc5, 0xfd, 0x74, 0x0f),
	SAMPLE("vextracti128 $1,%ymm0,(%rdi)", ACCESS_WRITE, 0xc4, 0xe3, 0x7d, 0x39, 0x07, 0x01),
	SAMPLE("vmovdqu64 %zmm16,(%rdi)", ACCESS_WRITE, 0x62, 0xe1, 0xfe, 0x48, 0x7f, 0x07),
	SAMPLE("vmovdqu64 (%rdi),%zmm16", ACCESS_READ, 0x62, 0xe1, 0xfe, 0x48, 0x6f, 0x07),
	SAMPLE("fstpt (%rdi)", ACCESS_WRITE, 0xdb, 0x3f),
	SAMPLE("fldt (%rdi)", ACCESS_READ, 0xdb, 0x2f),
	SAMPLE("fnstcw (%rdi)", ACCESS_WRITE, 0xd9, 0x3f),
	SAMPLE("stmxcsr (%rdi)", ACCESS_WRITE, 0x0f, 0xae, 0x1f),
	SAMPLE("ldmxcsr (%rdi)", ACCESS_READ, 0x0f, 0xae, 0x17),
	SAMPLE("xsavec (%rsp)", ACCESS_WRITE, 0x0f, 0xc7, 0x24, 0x24),
	SAMPLE("xrstor (%rsp)", ACCESS_READ, 0x0f, 0xae, 0x2c, 0x24),
	SAMPLE("mov %al,%fs:0x10", ACCESS_WRITE, 0x64, 0x88, 0x04, 0x25, 0x10, 0, 0, 0),
};

static const struct sample arm64[] = {
	SAMPLE("str x1, [x0]", ACCESS_WRITE, 0x01, 0x00, 0x00, 0xf9),
	SAMPLE("ldr x1, [x0]", ACCESS_READ, 0x01, 0x00, 0x40, 0xf9),
	SAMPLE("strb w1, [x0]", ACCESS_WRITE, 0x01, 0x00, 0x00, 0x39),
	SAMPLE("ldrb w1, [x0]", ACCESS_READ, 0x01, 0x00, 0x40, 0x39),
	SAMPLE("ldrsw x1, [x0]", ACCESS_READ, 0x01, 0x00, 0x80, 0xb9),
	SAMPLE("stp x1, x2, [x0]", ACCESS_WRITE, 0x01, 0x08, 0x00, 0xa9),
	SAMPLE("ldp x1, x2, [x0]", ACCESS_READ, 0x01, 0x08, 0x40, 0xa9),
	SAMPLE("str q0, [x0]", ACCESS_WRITE, 0x00, 0x00, 0x80, 0x3d),
	SAMPLE("ldr q0, [x0]", ACCESS_READ, 0x00, 0x00, 0xc0, 0x3d),
	SAMPLE("stlr x1, [x0]", ACCESS_WRITE, 0x01, 0xfc, 0x9f, 0xc8),
	SAMPLE("ldar x1, [x0]", ACCESS_READ, 0x01, 0xfc, 0xdf, 0xc8),
	SAMPLE("ldaxr x1, [x0]", ACCESS_READ, 0x01, 0xfc, 0x5f, 0xc8),
	SAMPLE("stxr w2, x1, [x0]", ACCESS_WRITE, 0x01, 0x7c, 0x02, 0xc8),
	SAMPLE("ldadd x1, x2, [x0]", ACCESS_WRITE, 0x02, 0x00, 0x21, 0xf8),
	SAMPLE("cas x1, x2, [x0]", ACCESS_WRITE, 0x02, 0x7c, 0xa1, 0xc8),
	SAMPLE("ldr x1, label", ACCESS_READ, 0x41, 0x00, 0x00, 0x58),
	SAMPLE("dc zva, x0", ACCESS_WRITE, 0x20, 0x74, 0x0b, 0xd5),
	SAMPLE("add x1, x2, x3", ACCESS_UNKNOWN, 0x41, 0x00, 0x03, 0x8b),
};

typedef enum access decode(const uint8_t *bytes, size_t count);

static void test(const struct sample *samples, size_t count, decode *access)
{
	for (size_t i = 0; i < count; i++)
		tap_is_int(access(samples[i].bytes, samples[i].count), samples[i].access, samples[i].text);
}

/* An exact copy on the heap: a sanitizer sees each byte read beyond it. */
static void test_cut(const struct sample *samples, size_t count, decode *access, const char *name)
{
	bool sane = true;
	for (size_t i = 0; i < count; i++) {
		for (size_t length = 0; length <= samples[i].count; length++) {
			uint8_t *bytes = malloc(length ? length : 1);
			if (!bytes)
				abort();
			memcpy(bytes, samples[i].bytes, length);
			enum access got = access(bytes, length);
			sane &= length > 0 || got == ACCESS_UNKNOWN;
			free(bytes);
		}
	}
	tap_ok(sane, "instructions of %s cut off anywhere", name);
}

int main(void)
{
	test(x86, sizeof x86 / sizeof *x86, instruction_access_x86);
	test(arm64, sizeof arm64 / sizeof *arm64, instruction_access_arm64);
	test_cut(x86, sizeof x86 / sizeof *x86, instruction_access_x86, "x86");
	test_cut(arm64, sizeof arm64 / sizeof *arm64, instruction_access_arm64, "arm64");
	uint8_t every[2] = { 0 };
	bool told = true;
	for (unsigned i = 0; i < 65536; i++) {
		every[0] = (uint8_t)i;
		every[1] = (uint8_t)(i >> 8);
		told &= instruction_access_x86(every, 2) <= ACCESS_WRITE;
	}
	tap_ok(told, "any two bytes");
	return tap_done();
}
