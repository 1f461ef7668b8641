// SPDX-License-Identifier: MIT
// OSError and its family: an errno that names the call and its object.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <system_error>

namespace asyncio::os {

/// An error of the operating system, as Python's OSError.
///
/// what() reads "[Errno 2] No such file or directory: 'x' (open)".
class OSError : public std::system_error {
public:
    /// errnum    the errno value; 0 for a plain message
    /// call      the system call or operation that failed
    /// object    what it failed on (a path, an address, a descriptor); may be empty
    OSError(int errnum, std::string_view call, std::string_view object = {});
    explicit OSError(const std::string& message);

    int errnum() const noexcept { return code().value(); } // Python: errno, a macro in C
    const std::string& call() const noexcept { return call_; } // what failed: "connect"
    const std::string& object() const noexcept { return object_; } // Python: filename
    const char* what() const noexcept override { return text_.c_str(); }

protected:
    /// With a code that is no errno, and its text.
    OSError(int code, std::string_view call, std::string_view object, std::string text);

private:
    std::string call_;
    std::string object_;
    std::string text_;
};

// Python's subclasses, each for its errno values.
struct TimeoutError final : OSError { // ETIMEDOUT, and every time-out of this library
    using OSError::OSError;
    TimeoutError();
};
struct BlockingIOError final : OSError { // EAGAIN EALREADY EWOULDBLOCK EINPROGRESS
    using OSError::OSError;
};
struct ChildProcessError final : OSError { // ECHILD
    using OSError::OSError;
};
struct ConnectionError : OSError { // the four below, for who catches any of them
    using OSError::OSError;
};
struct BrokenPipeError final : ConnectionError { // EPIPE ESHUTDOWN
    using ConnectionError::ConnectionError;
};
struct ConnectionAbortedError final : ConnectionError { // ECONNABORTED
    using ConnectionError::ConnectionError;
};
struct ConnectionRefusedError final : ConnectionError { // ECONNREFUSED
    using ConnectionError::ConnectionError;
};
struct ConnectionResetError final : ConnectionError { // ECONNRESET
    using ConnectionError::ConnectionError;
};
struct FileExistsError final : OSError { // EEXIST
    using OSError::OSError;
};
struct FileNotFoundError final : OSError { // ENOENT
    using OSError::OSError;
};
struct InterruptedError final : OSError { // EINTR
    using OSError::OSError;
};
struct IsADirectoryError final : OSError { // EISDIR
    using OSError::OSError;
};
struct NotADirectoryError final : OSError { // ENOTDIR
    using OSError::OSError;
};
struct PermissionError final : OSError { // EACCES EPERM
    using OSError::OSError;
};
struct ProcessLookupError final : OSError { // ESRCH
    using OSError::OSError;
};

/// Throws the subclass that Python throws for `errnum`.
[[noreturn]] void throw_os_error(int errnum, std::string_view call, std::string_view object = {});
/// The same as a value.
std::exception_ptr os_error(int errnum, std::string_view call, std::string_view object = {});

} // namespace asyncio::os
