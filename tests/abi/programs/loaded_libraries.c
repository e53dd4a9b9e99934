/* dlopen(3), dlsym(3), dladdr(3), dl_iterate_phdr(3): in a dynamic program. link: dynamic */
/* libraries: -ldl -lm */
#include "check.h"
#include <dlfcn.h>
#include <gnu/lib-names.h>
#include <link.h>
#include <math.h>
#include <pthread.h>

__attribute__((visibility("default"))) int exported(void)
{
    return 77;
}

static int count_objects(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    (void)info;
    ++*(int *)data;
    return 0;
}

static __thread int local = 3;
static int constructed, destructed_at = -1;

__attribute__((constructor)) static void construct(void)
{
    constructed++;
}

__attribute__((destructor)) static void destruct(void)
{
    destructed_at = constructed;
}

static void *in_thread(void *arg)
{
    void *self = dlopen(NULL, RTLD_NOW);
    local++;
    SHOW(local);
    dlclose(self);
    return arg;
}

int main(void)
{
    Dl_info info;
    int objects = 0;
    pthread_t thread;
    SHOW(constructed);
    void *self = dlopen(NULL, RTLD_NOW);
    CHECK(self != NULL);
    void *function = dlsym(RTLD_DEFAULT, "cos");
    CHECK(function == (void *)cos || function != NULL);
    CHECK(dlsym(self, "no such symbol") == NULL);
    CHECK(dlerror() != NULL);
    CHECK(dlerror() == NULL);
    void *math = dlopen(LIBM_SO, RTLD_LAZY);
    CHECK(math != NULL);
    double (*square_root)(double) = math ? (double (*)(double))dlsym(math, "sqrt") : NULL;
    CHECK(square_root && square_root(16.0) == 4.0);
    CHECK(dladdr((void *)square_root, &info) != 0 && strstr(info.dli_fname, "libm") != NULL);
    CHECK(dlopen("libabsent.so.1", RTLD_NOW) == NULL);
    CHECK(strstr(dlerror(), "libabsent.so.1") != NULL);
    CHECK(dlopen("libabsent.so.1", RTLD_NOW | RTLD_NOLOAD) == NULL);
    CHECK(dlopen(LIBM_SO, RTLD_NOW | RTLD_NOLOAD) == math);
    CHECK(dladdr((void *)printf, &info) != 0 && strstr(info.dli_fname, "libc") != NULL);
    dl_iterate_phdr(count_objects, &objects);
    CHECK(objects >= 4); /* the program, the vDSO, libm, libc, the loader */
    pthread_create(&thread, NULL, in_thread, NULL);
    pthread_join(thread, NULL);
    SHOW(local);
    SHOW(dlclose(math));
    SHOW(dlclose(self));
    CHECK(exported() == 77 && getenv("PATH") != NULL);
    return 0;
}
