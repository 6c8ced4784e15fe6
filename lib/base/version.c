#include "config.h"

#include <kin/kin.h>

const char *kin_version(void)
{
	return KIN_VERSION;
}
