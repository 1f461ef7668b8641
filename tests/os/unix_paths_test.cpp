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

bool is_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

} // namespace

TEST("unix_paths: a socket file is removed, another file stays, none is no error") {
    const std::string path = fresh_path();
    Socket(AF_UNIX).bind(Address::from_path(path));
    CHECK(is_there(path));
    CHECK_EQ(remove_stale_socket(path), 0);
    CHECK(!is_there(path));
    CHECK_EQ(remove_stale_socket(path), 0);
    {
        const Descriptor file(::creat(path.c_str(), 0600));
    }
    CHECK_EQ(remove_stale_socket(path), 0);
    CHECK(is_there(path));
    CHECK_EQ(remove_stale_socket(path + "/below"), ENOTDIR);
    ::unlink(path.c_str());
}

TEST("unix_paths: a bound file is removed at the end, once, and by the last that it was moved to") {
    const std::string path = fresh_path();
    {
        Socket(AF_UNIX).bind(Address::from_path(path));
        BoundFile first(path);
        BoundFile second(std::move(first));
        first.remove();
        CHECK(is_there(path));
        second.remove();
        CHECK(!is_there(path));
        Socket(AF_UNIX).bind(Address::from_path(path));
    }
    CHECK(is_there(path));
    {
        const BoundFile file(path);
    }
    CHECK(!is_there(path));
}

TEST("unix_paths: a file that took another's place is not removed for it") {
    const std::string path = fresh_path();
    const std::string keeps_inode = fresh_path();
    Socket(AF_UNIX).bind(Address::from_path(path));
    BoundFile first(path);
    CHECK_EQ(::rename(path.c_str(), keeps_inode.c_str()), 0);
    Socket(AF_UNIX).bind(Address::from_path(path));
    first.remove();
    CHECK(is_there(path));
    ::unlink(path.c_str());
    ::unlink(keeps_inode.c_str());
}

TEST("unix_paths: what has no file removes none") {
    BoundFile none;
    none.remove();
    BoundFile abstract_name(std::string(1, '\0') + "x");
    abstract_name.remove();
    BoundFile empty("");
    empty.remove();
}

TEST("unix_paths: a name that begins with a NUL has no file") {
    CHECK(is_abstract(std::string(1, '\0') + "x"));
    CHECK(is_abstract(""));
    CHECK(!is_abstract("/x"));
}
