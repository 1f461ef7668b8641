// SPDX-License-Identifier: MIT
// The file system: what is known of files, what happens to names, and errors that name both.
#include "os/file_system.h"

#include "os/errors.h"
#include "os/files.h"

#include "asyncio/testing/testing.h"
#include "support/scratch.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace asyncio::os;
using support::Scratch;

TEST("file_status: of paths, links and descriptors") {
    const Scratch scratch;
    const std::string file = scratch.put("file", "12345");
    symlink_file("file", scratch.path("link"));
    const FileStatus followed = file_status(scratch.path("link"), true);
    const FileStatus itself = file_status(scratch.path("link"), false);
    CHECK(followed.is_file() && !followed.is_link() && followed.size == 5);
    CHECK(itself.is_link() && !itself.is_file());
    CHECK(file_status(scratch.folder(), true).is_folder());
    const Descriptor opened(open_file(file, OpenFlags::read, 0));
    const FileStatus by_descriptor = file_status(opened.get());
    CHECK_EQ(by_descriptor.ino, followed.ino);
    CHECK_EQ(by_descriptor.dev, followed.dev);
    CHECK_EQ(followed.mode & 0777U, by_descriptor.mode & 0777U);
    CHECK(followed.mtime_ns > 1'600'000'000'000'000'000 && followed.ctime_ns > 0);
    CHECK_THROWS_MSG(file_status(scratch.path("none"), true), FileNotFoundError,
                     "No such file or directory: '" + scratch.path("none") + "'");
    CHECK_THROWS_AS(file_status(-1), OSError);
}

TEST("volume_status: says how large a file system is") {
    const VolumeStatus status = volume_status("/tmp");
    CHECK(status.bsize > 0 && status.blocks >= status.bfree && status.namemax >= 255);
    CHECK_THROWS_AS(volume_status("/nowhere"), FileNotFoundError);
}

TEST("folder_entries: names with what they are; a link counts for what it leads to") {
    const Scratch scratch;
    scratch.put("file", "");
    make_folder(scratch.path("folder"), 0700);
    symlink_file("folder", scratch.path("link"));
    symlink_file("nowhere", scratch.path("broken"));
    REQUIRE(::mkfifo(scratch.path("pipe").c_str(), 0600) == 0);
    std::vector<FolderEntry> entries = folder_entries(scratch.folder());
    std::sort(entries.begin(), entries.end(),
              [](const FolderEntry& a, const FolderEntry& b) { return a.name < b.name; });
    REQUIRE(entries.size() == 5);
    CHECK(entries[0].is_symlink && !entries[0].is_file && !entries[0].is_folder);
    CHECK(entries[1].is_file && entries[1].inode == file_status(entries[1].path, true).ino);
    CHECK(entries[2].is_folder && !entries[2].is_symlink);
    CHECK(entries[3].is_folder && entries[3].is_symlink);
    CHECK(!entries[4].is_file && !entries[4].is_folder && !entries[4].is_symlink);
    CHECK_EQ(folder_entries("/").front().path.rfind('/'), 0U);
    CHECK_THROWS_AS(folder_entries(scratch.path("file")), NotADirectoryError);
}

TEST("names: made, linked, renamed, removed, and the errors of each") {
    const Scratch scratch;
    const std::string a = scratch.put("a", "text");
    link_file(a, scratch.path("b"));
    CHECK_EQ(file_status(a, true).nlink, 2U);
    rename_file(a, scratch.path("c"));
    CHECK(!may_access(a, is_there) && may_access(scratch.path("c"), R_OK));
    symlink_file("c", scratch.path("l"));
    CHECK_EQ(link_target(scratch.path("l")), "c");
    remove_file(scratch.path("l"));
    remove_file(scratch.path("b"));
    make_folder(scratch.path("d"), 0700);
    CHECK_THROWS_MSG(make_folder(scratch.path("d"), 0700), FileExistsError, scratch.path("d"));
    CHECK_THROWS_AS(remove_file(scratch.path("d")), IsADirectoryError);
    remove_folder(scratch.path("d"));
    CHECK_THROWS_AS(remove_folder(scratch.path("d")), FileNotFoundError);
    CHECK_THROWS_MSG(rename_file(scratch.path("x"), scratch.path("y")), FileNotFoundError,
                     scratch.path("x") + " -> " + scratch.path("y"));
    CHECK_THROWS_AS(link_file(scratch.path("x"), scratch.path("y")), FileNotFoundError);
    CHECK_THROWS_AS(symlink_file("c", scratch.path("c")), FileExistsError);
    CHECK_THROWS_AS(link_target(scratch.path("c")), OSError);
    CHECK_EQ(scratch.count(), 1U);
    CHECK(current_folder().starts_with('/'));
}

TEST("remove_tree: a folder with all that is in it, and nothing that a link leads to") {
    const Scratch scratch;
    const Scratch elsewhere;
    elsewhere.put("kept", "text");
    make_folder(scratch.path("d"), 0700);
    make_folder(scratch.path("d/e"), 0700);
    scratch.put("d/e/f", "text");
    symlink_file(elsewhere.folder(), scratch.path("d/link"));
    CHECK_EQ(remove_tree(scratch.path("d")), 0);
    CHECK_EQ(scratch.count(), 0U);
    CHECK_EQ(elsewhere.get("kept"), "text");
    symlink_file(elsewhere.folder(), scratch.path("link"));
    CHECK_EQ(remove_tree(scratch.path("link")), 0);
    CHECK_EQ(elsewhere.count(), 1U);
    CHECK_EQ(remove_tree(scratch.path("nothing")), -ENOENT);
    CHECK_EQ(remove_tree("/proc/self"), -EPERM);
}

TEST("copy_to: from a place, or from the position, which moves") {
    const Scratch scratch;
    const Descriptor in(open_file(scratch.put("in", "0123456789"), OpenFlags::read, 0));
    const Descriptor out(
        open_file(scratch.path("out"), OpenFlags::write | OpenFlags::create, 0600));
    CHECK_EQ(copy_to(out.get(), in.get(), 7, 100), 3);
    CHECK_EQ(copy_to(out.get(), in.get(), -1, 2), 2);
    CHECK_EQ(copy_to(out.get(), in.get(), -1, 1), 1);
    CHECK_EQ(copy_to(out.get(), in.get(), 10, 1), 0);
    CHECK_EQ(scratch.get("out"), "789012");
    CHECK_THROWS_AS(copy_to(-1, in.get(), 0, 1), OSError);
}

TEST("new files: unique names with a suffix, folders, and files without a name") {
    const Scratch scratch;
    std::string first = scratch.path("a-XXXXXX.txt");
    std::string second = first;
    const Descriptor one(make_unique_file(first, 4));
    const Descriptor two(make_unique_file(second, 4));
    CHECK(first != second && first.ends_with(".txt") && one && two);
    CHECK((::fcntl(one.get(), F_GETFD) & FD_CLOEXEC) != 0);
    std::string folder = scratch.path("f-XXXXXX");
    make_unique_folder(folder);
    CHECK(file_status(folder, true).is_folder());
    CHECK_EQ(file_status(folder, true).mode & 0777U, 0700U);
    const Descriptor nameless(make_nameless_file(scratch.folder()));
    CHECK(nameless && file_status(nameless.get()).nlink == 0);
    CHECK_EQ(scratch.count(), 3U);
    std::string nowhere = "/nowhere/XXXXXX";
    CHECK_THROWS_AS(make_unique_file(nowhere, 0), FileNotFoundError);
    nowhere = "/nowhere/XXXXXX";
    CHECK_THROWS_AS(make_unique_folder(nowhere), FileNotFoundError);
    CHECK_THROWS_AS(make_nameless_file("/nowhere"), FileNotFoundError);
}
