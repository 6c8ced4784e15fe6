#include "record/filter.h"
#include "config.h"

#include <errno.h>
#include <stddef.h>

#if HAVE_LIBSECCOMP
#include <seccomp.h>

static int add_calls(scmp_filter_ctx filter)
{
	static const int calls[] = { SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(clone), SCMP_SYS(clone3),
		SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(kill), SCMP_SYS(tkill), SCMP_SYS(tgkill) };
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		int error = seccomp_rule_add(filter, SCMP_ACT_TRACE(0), calls[i], 0);
		/* A call that an architecture does not have (fork on arm64) is no error. */
		if (error < 0 && error != -EDOM && error != -EOPNOTSUPP)
			return error;
	}
	return 0;
}

int filter_build(void **ret)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	if (!filter)
		return -ENOMEM;
	int error = 0;
#ifdef __x86_64__
	error = seccomp_arch_add(filter, SCMP_ARCH_X86);
	if (error == 0)
		error = seccomp_arch_add(filter, SCMP_ARCH_X32);
#endif
	if (error == 0)
		error = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
	/* With the privilege to do without no_new_privs, set-user-ID programs keep theirs. */
	if (error == 0)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	if (error == 0)
		error = add_calls(filter);
	if (error < 0)
		seccomp_release(filter);
	else
		*ret = filter;
	return error;
}

int filter_install(void *filter)
{
	int error = seccomp_load(filter);
	if (error == -EACCES || error == -EPERM || error == -ECANCELED) {
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 1);
		if (error == 0)
			error = seccomp_load(filter);
	}
	return error;
}

void filter_destroy(void *filter)
{
	if (filter)
		seccomp_release(filter);
}

#else

int filter_build(void **ret)
{
	(void)ret;
	return -ENOTSUP;
}

int filter_install(void *filter)
{
	(void)filter;
	return -ENOTSUP;
}

void filter_destroy(void *filter)
{
	(void)filter;
}

#endif
