/* uname(2), sysinfo(2), gethostname(2), sethostname(2), getpagesize(2), sysconf(3). */
#include "check.h"
#include <sys/sysinfo.h>
#include <sys/utsname.h>

int main(void)
{
    struct utsname names;
    struct sysinfo info;
    char host[65], before[65];
    SHOW(uname(&names));
    printf("%s %s\n", names.sysname, names.machine);
    CHECK(names.release[0] >= '3' && strchr(names.release, '.') != NULL);
    CHECK(strlen(names.version) > 0 && names.nodename[0] != 0);
    SHOW(uname((void *)1));
    SHOW(gethostname(before, sizeof before));
    CHECK(!strcmp(before, names.nodename));
    SHOW(gethostname(host, 0));
    SHOW(syscall(SYS_sethostname, before, -1L));
    SHOW(syscall(SYS_sethostname, before, 65L));
    SHOW(syscall(SYS_sethostname, 1L, 5L));
    SHOW(sysinfo(&info));
    CHECK(info.uptime >= 0 && info.totalram > 0 && info.freeram < info.totalram && info.mem_unit >= 1);
    CHECK(info.procs >= 1 && info.totalhigh == 0);
    SHOW(sysinfo((void *)1));
    SHOW(getpagesize());
    SHOW(sysconf(_SC_PAGESIZE));
    SHOW(sysconf(_SC_CLK_TCK));
    CHECK(sysconf(_SC_NPROCESSORS_ONLN) >= 1 && sysconf(_SC_NPROCESSORS_CONF) >= 1);
    CHECK(sysconf(_SC_PHYS_PAGES) > 0 && sysconf(_SC_AVPHYS_PAGES) > 0);
    CHECK(get_nprocs() >= 1);
    SHOW(sysconf(_SC_NGROUPS_MAX));
    SHOW(sysconf(_SC_HOST_NAME_MAX));
    SHOW(sysconf(_SC_IOV_MAX));
    SHOW(sysconf(99999));
    CHECK(sysconf(_SC_ARG_MAX) >= 131072);
    return 0;
}
