// SPDX-License-Identifier: MIT
// The walk through a folder, the reading of a file, and the file of sums.
#include "programs/atour/files.h"

#include "asyncio/testing/testing.h"
#include "programs/atour/sums_file.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <sys/stat.h>

namespace {

namespace fs = std::filesystem;
using namespace atour;

constexpr const char* sum_of_abc =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

// A new folder for one case.
class Folder {
public:
    Folder() {
        std::string name = (fs::temp_directory_path() / "atour-test-XXXXXX").native();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { fs::remove_all(path_); }

    fs::path write(const std::string& name, std::string_view text) const {
        fs::create_directories((path_ / name).parent_path());
        std::ofstream(path_ / name, std::ios::binary) << text;
        return path_ / name;
    }
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

std::string read_all(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

HashedFile hash(const fs::path& path, const std::stop_token& stop = {}) {
    return hash_file(stop, path, std::make_shared<ReadCount>(0));
}

TEST("files: the walk finds every regular file once, in pieces as large as asked for") {
    const Folder folder;
    std::vector<fs::path> written;
    for (int i = 0; i < 25; ++i) {
        const std::string deep = i % 3 == 0 ? "" : i % 3 == 1 ? "a/" : "a/b/c/";
        written.push_back(folder.write(deep + std::to_string(i), "x"));
    }
    FolderWalk walk(folder.path());
    std::vector<fs::path> found;
    for (bool more = true; more;) {
        FoundFiles piece = walk.next(4);
        CHECK(piece.files.size() <= 4);
        CHECK(piece.unreadable.empty());
        std::move(piece.files.begin(), piece.files.end(), std::back_inserter(found));
        more = !piece.is_last;
    }
    std::sort(found.begin(), found.end());
    std::sort(written.begin(), written.end());
    CHECK(found == written);
}

TEST("files: links are not followed, and pipes not opened") {
    const Folder folder;
    folder.write("real/file", "x");
    fs::create_directory_symlink(folder.path(), folder.path() / "circle");
    fs::create_symlink("real/file", folder.path() / "link");
    REQUIRE(::mkfifo((folder.path() / "pipe").c_str(), 0600) == 0);
    const FoundFiles found = FolderWalk(folder.path()).next(100);
    CHECK_EQ(found.files.size(), 1u);
    CHECK_EQ(found.skipped, 3u);
    CHECK(found.is_last);
}

TEST("files: an empty folder has no files, and that is no error") {
    const Folder folder;
    const FoundFiles found = FolderWalk(folder.path()).next(1);
    CHECK(found.files.empty() && found.unreadable.empty() && found.is_last);
}

TEST("files: a folder that is not there is a FileNotFoundError, a file a NotADirectoryError") {
    const Folder folder;
    const fs::path file = folder.write("file", "x");
    CHECK_THROWS_AS(FolderWalk(folder.path() / "gone"), asyncio::FileNotFoundError);
    CHECK_THROWS_AS(FolderWalk(file), asyncio::NotADirectoryError);
}

TEST("files: a folder that vanishes meanwhile is not there, and no error") {
    const Folder folder;
    folder.write("first", "x");
    folder.write("gone/file", "x");
    FolderWalk walk(folder.path());
    std::size_t files = walk.next(1).files.size();
    fs::remove_all(folder.path() / "gone");
    const FoundFiles rest = walk.next(100);
    CHECK(rest.unreadable.empty());
    CHECK(rest.is_last);
    CHECK(files + rest.files.size() <= 2);
}

TEST("files: a file longer than a piece is read to its end") {
    const Folder folder;
    const fs::path path = folder.write("a", std::string(1'000'000, 'a'));
    const auto read = std::make_shared<ReadCount>(0);
    const HashedFile file = hash_file({}, path, read);
    CHECK_EQ(file.errnum, 0);
    CHECK_EQ(file.bytes, 1'000'000u);
    CHECK_EQ(read->load(), 1'000'000u);
    CHECK_EQ(to_hex(file.digest),
             "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST("files: a file that is gone has an errno, and what is no file any more is not read") {
    const Folder folder;
    const fs::path file = folder.write("file", "abc");
    CHECK_EQ(hash(folder.path() / "gone").errnum, ENOENT);
    fs::create_symlink(file, folder.path() / "link");
    CHECK(!hash(folder.path() / "link").is_regular);
    REQUIRE(::mkfifo((folder.path() / "pipe").c_str(), 0600) == 0);
    CHECK(!hash(folder.path() / "pipe").is_regular); // and it does not wait for a writer
    CHECK_EQ(to_hex(hash(file).digest), sum_of_abc);
}

TEST("files: who is asked to stop does not read on") {
    const Folder folder;
    std::stop_source stop;
    stop.request_stop();
    const HashedFile file = hash(folder.write("file", "abc"), stop.get_token());
    CHECK_EQ(file.errnum, ECANCELED);
    CHECK_EQ(file.bytes, 0u);
}

TEST("sums file: names with line ends and backslashes are escaped as sha256sum does") {
    const Sha256::Digest digest = hash(Folder().write("abc", "abc")).digest;
    const std::string sum = sum_of_abc;
    CHECK_EQ(sum_line(digest, "a b"), sum + "  a b\n");
    CHECK_EQ(sum_line(digest, "a\nb"), "\\" + sum + "  a\\nb\n");
    CHECK_EQ(sum_line(digest, "a\rb"), "\\" + sum + "  a\\rb\n");
    CHECK_EQ(sum_line(digest, "a\\b"), "\\" + sum + "  a\\\\b\n");
}

TEST("sums file: what was added is there once it is gone, and replaces what was there") {
    const Folder folder;
    const fs::path path = folder.write("sums", "something older");
    const HashedFile abc = hash(folder.write("abc", "abc"));
    {
        SumsFile sums(path.native());
        CHECK(!(sums.id() == abc.id));
        sums.add_comment("x: Permission denied");
        sums.add(abc.digest, "abc");
        CHECK_EQ(read_all(path), "");
    }
    CHECK_EQ(read_all(path), "# x: Permission denied\n" + std::string(sum_of_abc) + "  abc\n");
}

TEST("sums file: a full disk is an OSError that names the file") {
    SumsFile sums("/dev/full");
    sums.add_comment("x");
    CHECK_THROWS_MSG(sums.flush(), asyncio::OSError,
                     "[Errno 28] No space left on device: '/dev/full' (write)");
    CHECK_THROWS_AS(SumsFile("/"), asyncio::IsADirectoryError);
}

} // namespace
