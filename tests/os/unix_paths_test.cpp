// SPDX-License-Identifier: MIT
// Dead socket files are removed, others stay.
#include "os/unix_paths.h"

#include "asyncio/testing/testing.h"
#include "os/sockets.h"

#include <fcntl.h>
#include <string>
#include <unistd.h>

using namespace asyncio::os;

namespace {

std::string fresh_path() {
    static int count = 0;
    return "/tmp/asyncio-paths-" + std::to_string(::getpid()) + "-" + std::to_string(count++);
}

} // namespace

TEST("unix_paths: a socket file is removed, another file stays, none is no error") {
    const std::string path = fresh_path();
    Socket(AF_UNIX).bind(Address::from_path(path));
    CHECK(identity_of(path).has_value());
    CHECK_EQ(remove_stale_socket(path), 0);
    CHECK(!identity_of(path));
    CHECK_EQ(remove_stale_socket(path), 0);
    {
        const Descriptor file(::creat(path.c_str(), 0600));
    }
    CHECK_EQ(remove_stale_socket(path), 0);
    CHECK(identity_of(path).has_value());
    CHECK_EQ(remove_stale_socket(path + "/below"), ENOTDIR);
    ::unlink(path.c_str());
}

TEST("unix_paths: a file that took another's place is not removed for it") {
    const std::string path = fresh_path();
    const std::string keeps_inode = fresh_path();
    Socket(AF_UNIX).bind(Address::from_path(path));
    const auto first = identity_of(path).value();
    CHECK_EQ(::rename(path.c_str(), keeps_inode.c_str()), 0);
    Socket(AF_UNIX).bind(Address::from_path(path));
    remove_if_same(path, first);
    CHECK(identity_of(path).has_value());
    remove_if_same(keeps_inode, first);
    CHECK(!identity_of(keeps_inode));
    ::unlink(path.c_str());
}

TEST("unix_paths: a name that begins with a NUL has no file") {
    CHECK(is_abstract(std::string(1, '\0') + "x"));
    CHECK(is_abstract(""));
    CHECK(!is_abstract("/x"));
}
