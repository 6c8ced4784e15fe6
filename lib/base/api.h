/**
 * api.h: marks the functions that programs may call. All else in libkin is hidden; libkin.map gives each of them its
 * version.
 */
#ifndef KIN_LIB_BASE_API_H
#define KIN_LIB_BASE_API_H

#define KIN_API __attribute__((visibility("default")))

/**
 * On the way of every call: such functions lie together, so that a call after a pause - cold caches, cold TLB - has
 * few pages to fetch.
 */
#define KIN_HOT __attribute__((hot))

#endif
