#ifdef __x86_64__
#define SCAN_ISA avx2
#define SCAN_TARGET __attribute__((target("avx2")))
#include "scan/float.h"
#endif
