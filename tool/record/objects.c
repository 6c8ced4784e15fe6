#include "record/objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024

struct objects {
	struct object *buckets[BUCKETS];
};

int objects_create(struct objects **ret_objects)
{
	struct objects *objects = calloc(1, sizeof *objects);
	if (!objects)
		return -ENOMEM;
	*ret_objects = objects;
	return 0;
}

void objects_destroy(struct objects *objects)
{
	free(objects);
}

static uint64_t hash_of(const char *path, uint64_t inode)
{
	uint64_t hash = 0xcbf29ce484222325u ^ inode;
	for (; *path; path++)
		hash = (hash ^ (unsigned char)*path) * 0x100000001b3u;
	return hash ^ hash >> 29;
}

static struct object *find(struct object *object, const char *path, uint32_t major, uint32_t minor,
	uint64_t inode, uint64_t hash)
{
	while (object && (object->hash != hash || object->inode != inode || object->major != major ||
				 object->minor != minor || strcmp(object->path, path) != 0))
		object = object->next;
	return object;
}

int objects_get(struct objects *objects, const char *path, uint32_t major, uint32_t minor, uint64_t inode,
	struct object **ret_object)
{
	uint64_t hash = hash_of(path, inode);
	struct object **bucket = &objects->buckets[hash % BUCKETS];
	struct object *object = find(*bucket, path, major, minor, inode, hash);
	if (!object) {
		size_t size = strlen(path) + 1;
		object = malloc(sizeof *object + size);
		if (!object)
			return -ENOMEM;
		*object = (struct object){ .next = *bucket,
			.objects = objects,
			.major = major,
			.minor = minor,
			.inode = inode,
			.hash = hash };
		memcpy(object->path, path, size);
		*bucket = object;
	}
	object->users++;
	*ret_object = object;
	return 0;
}

void object_hold(struct object *object)
{
	if (object)
		object->users++;
}

void object_release(struct object *object)
{
	if (!object || --object->users > 0)
		return;
	struct object **link = &object->objects->buckets[object->hash % BUCKETS];
	while (*link != object)
		link = &(*link)->next;
	*link = object->next;
	free(object);
}
