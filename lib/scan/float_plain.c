#define SCAN_ISA plain
#define SCAN_TARGET
#include "scan/float.h"
