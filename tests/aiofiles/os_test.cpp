// SPDX-License-Identifier: MIT
// aiofiles::os: what happens to files and folders, and what is known of them.
#include "aiofiles/os.h"

#include "aiofiles/open.h"
#include "asyncio/testing/testing.h"
#include "support/scratch.h"

#include <algorithm>
#include <unistd.h>

using namespace asyncio;
namespace aos = aiofiles::os;
namespace apath = aiofiles::os::path;
using support::Scratch;

CO_TEST("AF04: stat and lstat tell a file from a link to it") {
    const Scratch scratch;
    const std::string file = scratch.put("file", "12345");
    co_await aos::symlink("file", scratch.path("link"));
    const auto status = co_await aos::stat(scratch.path("link"));
    CHECK(status.is_file() && status.size == 5 && status.nlink == 1);
    CHECK((co_await aos::lstat(scratch.path("link"))).is_link());
    CHECK_EQ(co_await aos::readlink(scratch.path("link")), "file");
    CHECK(co_await apath::samefile(file, scratch.path("link")));
    CHECK_THROWS_MSG(co_await aos::stat(scratch.path("none")), FileNotFoundError,
                     scratch.path("none"));
    CHECK((co_await aos::statvfs(scratch.folder())).bsize > 0);
}

CO_TEST("AF04: files are renamed, linked and removed") {
    const Scratch scratch;
    scratch.put("a", "text");
    co_await aos::rename(scratch.path("a"), scratch.path("b"));
    co_await aos::link(scratch.path("b"), scratch.path("c"));
    co_await aos::replace(scratch.path("b"), scratch.put("d", "old"));
    CHECK_EQ(scratch.get("d"), "text");
    CHECK_EQ((co_await aos::stat(scratch.path("c"))).nlink, 2U);
    co_await aos::remove(scratch.path("c"));
    co_await aos::unlink(scratch.path("d"));
    CHECK_EQ(scratch.count(), 0U);
    CHECK_THROWS_AS(co_await aos::remove(scratch.path("d")), FileNotFoundError);
}

CO_TEST("AF04: folders are made with those above them, and removed with those that are empty") {
    const Scratch scratch;
    co_await aos::makedirs(scratch.path("a/b/c/"));
    co_await aos::makedirs(scratch.path("a/b/c"), 0777, true);
    CHECK_THROWS_AS(co_await aos::makedirs(scratch.path("a/b/c")), FileExistsError);
    CHECK_THROWS_AS(co_await aos::mkdir(scratch.path("x/y")), FileNotFoundError);
    co_await aos::mkdir(scratch.path("x"), 0700);
    scratch.put("x/file", "");
    CHECK_THROWS_MSG(co_await aos::rmdir(scratch.path("x")), OSError, "Directory not empty");
    co_await aos::renames(scratch.path("x/file"), scratch.path("y/z/file"));
    CHECK(!co_await apath::exists(scratch.path("x")));
    CHECK(co_await apath::isfile(scratch.path("y/z/file")));
    scratch.put("a/stays", "");
    co_await aos::removedirs(scratch.path("a/b/c"));
    const std::vector<std::string> left{"stays"};
    CHECK_EQ(co_await aos::listdir(scratch.path("a")), left);
}

CO_TEST("AF04: scandir says what each name is") {
    const Scratch scratch;
    scratch.put("file", "");
    co_await aos::mkdir(scratch.path("folder"));
    co_await aos::symlink("folder", scratch.path("link"));
    co_await aos::symlink("nowhere", scratch.path("broken"));
    auto entries = co_await aos::scandir(scratch.folder());
    std::sort(entries.begin(), entries.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    REQUIRE(entries.size() == 4);
    CHECK(entries[0].name == "broken" && entries[0].is_symlink && !entries[0].is_file);
    CHECK(entries[1].name == "file" && entries[1].is_file && !entries[1].is_folder);
    CHECK(entries[2].name == "folder" && entries[2].is_folder && !entries[2].is_symlink);
    CHECK(entries[3].name == "link" && entries[3].is_folder && entries[3].is_symlink);
    CHECK_EQ(entries[1].path, scratch.path("file"));
    CHECK_THROWS_AS(co_await aos::scandir(scratch.path("none")), FileNotFoundError);
}

CO_TEST("AF04: path says what is there") {
    const Scratch scratch;
    const std::string file = scratch.put("file", "123");
    co_await aos::symlink("nowhere", scratch.path("broken"));
    CHECK(co_await apath::exists(file));
    CHECK(!co_await apath::exists(scratch.path("broken")));
    CHECK(co_await apath::islink(scratch.path("broken")));
    CHECK(co_await apath::isdir(scratch.folder()));
    CHECK(!co_await apath::isfile(scratch.folder()));
    CHECK(co_await apath::ismount("/"));
    CHECK(!co_await apath::ismount(scratch.folder()));
    CHECK_EQ(co_await apath::getsize(file), 3);
    const double modified = co_await apath::getmtime(file);
    CHECK(modified > 1.6e9 && modified <= co_await apath::getctime(file) + 1);
    CHECK(co_await apath::getatime(file) > 1.6e9);
    CHECK(co_await aos::access(file, R_OK));
    CHECK(!co_await aos::access(scratch.path("none"), F_OK));
    CHECK_EQ(co_await apath::abspath("/a/./b/../c/"), "/a/c");
    CHECK_EQ(co_await apath::abspath("x"), co_await aos::getcwd() + "/x");
    CHECK_EQ(co_await apath::abspath("/"), "/");
}

CO_TEST("AF04: sendfile copies in the kernel, from where it is told or goes on") {
    const Scratch scratch;
    const auto in = co_await aiofiles::open(scratch.put("in", "0123456789"), "rb");
    const auto out = co_await aiofiles::open(scratch.path("out"), "wb");
    CHECK_EQ(co_await aos::sendfile(out.fileno(), in.fileno(), 4, 100), 6);
    CHECK_EQ(co_await aos::sendfile(out.fileno(), in.fileno(), std::nullopt, 3), 3);
    CHECK(!co_await apath::sameopenfile(in.fileno(), out.fileno()));
    co_await in.close();
    co_await out.close();
    CHECK_EQ(scratch.get("out"), "456789012");
}
