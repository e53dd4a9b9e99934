/* path_resolution(7), pathconf(3): NAME_MAX and PATH_MAX, one below, at and above the limit. */
#include "check.h"

static char path[5000];

/* A name of `length` bytes. */
static char *name(int length)
{
    memset(path, 'n', length);
    path[length] = 0;
    return path;
}

/* "./././…" and then "x", `length` bytes in all. */
static char *dots(int length)
{
    for (int i = 0; i < length; i++)
        path[i] = i % 2 == 0 ? '.' : '/';
    path[length - 1] = length % 2 ? 'x' : '/';
    path[length] = 0;
    return path;
}

int main(void)
{
    char target[4200];
    struct stat st;
    SHOW(open(name(255), O_WRONLY | O_CREAT | O_CLOEXEC, 0644) >= 0);
    SHOW(stat(name(255), &st));
    SHOW(stat(name(256), &st));
    SHOW(open(name(256), O_WRONLY | O_CREAT, 0644));
    SHOW(mkdir(name(256), 0755));
    SHOW(unlink(name(256)));

    SHOW(symlink("x", name(256)));
    SHOW(rmdir(name(256)));
    MUST(unlink(name(255)));
    SHOW(mkdir(name(255), 0755));
    strcpy(path + 255, "/x");
    SHOW(stat(path, &st));
    path[255] = 0;
    SHOW(rmdir(path));

    SHOW(open(dots(4095), O_WRONLY | O_CREAT, 0644) >= 0);
    SHOW(stat(dots(4095), &st));
    dots(4095);
    path[4095] = '/';
    path[4096] = 0;
    SHOW(stat(path, &st));
    SHOW(open(path, O_RDONLY));
    SHOW(mkdir(path, 0755));
    SHOW(chdir(path));
    SHOW(unlink(dots(4095)));

    memset(target, 't', sizeof target);
    target[4095] = 0;
    SHOW(symlink(target, "long"));
    SHOW(lstat("long", &st));
    SHOW(st.st_size);
    SHOW(stat("long", &st));
    SHOW(readlink("long", path, sizeof path));
    SHOW(unlink("long"));
    target[4095] = 't';
    target[4096] = 0;
    SHOW(symlink(target, "longer"));
    SHOW(pathconf(".", _PC_NAME_MAX));
    SHOW(pathconf(".", _PC_PATH_MAX));
    return 0;
}
