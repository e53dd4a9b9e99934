/* capget(2), capset(2): versions, whose capabilities, and giving some up. */
#include "process.h"
#include <linux/capability.h>

static int loses_with_the_user(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    MUST(setresuid(54321, 54321, 54321));
    SHOW(syscall(SYS_capget, &header, data));
    SHOW(data[0].effective | data[0].permitted | data[1].effective);
    return 0;
}

int main(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    SHOW(syscall(SYS_capget, &header, data));
    CHECK((data[0].effective & 1 << CAP_NET_BIND_SERVICE) != 0);
    CHECK(data[0].effective == data[0].permitted);
    header.pid = getpid();
    SHOW(syscall(SYS_capget, &header, data));
    header.pid = 1 << 28;
    SHOW(syscall(SYS_capget, &header, data));
    header.pid = -1;
    SHOW(syscall(SYS_capget, &header, data));
    header = (struct __user_cap_header_struct){0x12345678, 0};
    SHOW(syscall(SYS_capget, &header, data));
    CHECK(header.version == _LINUX_CAPABILITY_VERSION_3); /* the one the kernel prefers */
    header.version = 0;
    SHOW(syscall(SYS_capget, &header, NULL));
    CHECK(header.version == _LINUX_CAPABILITY_VERSION_3);
    SHOW(syscall(SYS_capget, &header, NULL));
    SHOW(syscall(SYS_capget, NULL, data));
    SHOW(syscall(SYS_capget, &header, 1L));
    SHOW(syscall(SYS_capget, &header, data));
    SHOW(syscall(SYS_capset, &header, data));
    run("another user", loses_with_the_user);
    return 0;
}
