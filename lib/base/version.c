#include "base/api.h"
#include "config.h"

#include <kin/kin.h>

KIN_API const char *kin_version(void)
{
	return KIN_VERSION;
}
