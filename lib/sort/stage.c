#include "sort/stage.h"

#include "pool/region.h"

#include <kin/shm.h>

#include <string.h>

int stage_init(struct stage *stage, struct kin_pool *pool, void *home, size_t bytes)
{
	*stage = (struct stage){ .items = home, .home = home, .bytes = bytes };
	if (!region_needs_shared(pool) || kin_is_shared(home, bytes))
		return 0;
	int result = memory_init(&stage->copy, bytes, true);
	if (result < 0)
		return result;
	stage->items = memcpy(stage->copy.bytes, home, bytes);
	return 0;
}

void stage_bring_back(const struct stage *stage)
{
	if (stage->items != stage->home)
		memcpy(stage->home, stage->items, stage->bytes);
}

void stage_finish(struct stage *stage)
{
	memory_finish(&stage->copy);
}
