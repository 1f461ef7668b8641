// SPDX-License-Identifier: MIT
// OSError: its text, its parts, and the subclass for each errno.
#include "os/errors.h"

#include "asyncio/testing/testing.h"

#include <cerrno>
#include <type_traits>

using namespace asyncio::os;

namespace {

template <class E>
bool throws_exactly(int errnum) {
    try {
        throw_os_error(errnum, "call");
    } catch (const OSError& error) {
        return typeid(error) == typeid(E) && error.errnum() == errnum;
    }
}

} // namespace

TEST("OSError: what() names the number, the reason, the object and the call") {
    const OSError error(ENOENT, "open", "x.txt");
    CHECK_EQ(std::string(error.what()), "[Errno 2] No such file or directory: 'x.txt' (open)");
    CHECK_EQ(error.errnum(), ENOENT);
    CHECK_EQ(error.call(), "open");
    CHECK_EQ(error.object(), "x.txt");
    CHECK(error.code() == std::errc::no_such_file_or_directory);
}

TEST("OSError: what is not known is left out") {
    CHECK_EQ(std::string(OSError(EIO, "").what()), "[Errno 5] Input/output error");
    CHECK_EQ(std::string(OSError(EIO, "fsync").what()), "[Errno 5] Input/output error (fsync)");
    CHECK_EQ(std::string(OSError("no answer").what()), "no answer");
    CHECK_EQ(OSError("no answer").errnum(), 0);
    CHECK_EQ(std::string(TimeoutError().what()), "");
}

TEST("OSError: each errno becomes the type that Python gives it") {
    CHECK(throws_exactly<TimeoutError>(ETIMEDOUT));
    CHECK(throws_exactly<BlockingIOError>(EAGAIN));
    CHECK(throws_exactly<BlockingIOError>(EWOULDBLOCK));
    CHECK(throws_exactly<BlockingIOError>(EALREADY));
    CHECK(throws_exactly<BlockingIOError>(EINPROGRESS));
    CHECK(throws_exactly<ChildProcessError>(ECHILD));
    CHECK(throws_exactly<BrokenPipeError>(EPIPE));
    CHECK(throws_exactly<BrokenPipeError>(ESHUTDOWN));
    CHECK(throws_exactly<ConnectionAbortedError>(ECONNABORTED));
    CHECK(throws_exactly<ConnectionRefusedError>(ECONNREFUSED));
    CHECK(throws_exactly<ConnectionResetError>(ECONNRESET));
    CHECK(throws_exactly<FileExistsError>(EEXIST));
    CHECK(throws_exactly<FileNotFoundError>(ENOENT));
    CHECK(throws_exactly<InterruptedError>(EINTR));
    CHECK(throws_exactly<IsADirectoryError>(EISDIR));
    CHECK(throws_exactly<NotADirectoryError>(ENOTDIR));
    CHECK(throws_exactly<PermissionError>(EACCES));
    CHECK(throws_exactly<PermissionError>(EPERM));
    CHECK(throws_exactly<ProcessLookupError>(ESRCH));
    CHECK(throws_exactly<OSError>(EINVAL));
    CHECK(throws_exactly<OSError>(EMFILE));
}

TEST("OSError: the family can be caught as Python's programs catch it") {
    static_assert(std::is_base_of_v<std::system_error, OSError>);
    static_assert(std::is_base_of_v<ConnectionError, ConnectionResetError>);
    static_assert(std::is_base_of_v<ConnectionError, BrokenPipeError>);
    static_assert(!std::is_base_of_v<ConnectionError, TimeoutError>);
    CHECK_THROWS_AS(throw_os_error(ECONNRESET, "recv"), ConnectionError);
    CHECK_THROWS_AS(throw_os_error(ECONNRESET, "recv"), std::exception);
}
