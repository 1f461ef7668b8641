// SPDX-License-Identifier: MIT
// OSError's text, and which errno becomes which type.
#include "os/errors.h"

#include <cerrno>
#include <utility>

namespace asyncio::os {

namespace {

std::string text_of(int errnum, std::string_view call, std::string_view object) {
    std::string text = "[Errno " + std::to_string(errnum) + "] ";
    text += std::generic_category().message(errnum);
    if (!object.empty()) text.append(": '").append(object).append("'");
    if (!call.empty()) text.append(" (").append(call).append(")");
    return text;
}

} // namespace

OSError::OSError(int errnum, std::string_view call, std::string_view object)
    : std::system_error(errnum, std::generic_category()), call_(call), object_(object),
      text_(text_of(errnum, call, object)) {}

OSError::OSError(int code, std::string_view call, std::string_view object, std::string text)
    : std::system_error(code, std::generic_category()), call_(call), object_(object),
      text_(std::move(text)) {}

OSError::OSError(const std::string& message)
    : std::system_error(0, std::generic_category()), text_(message) {}

TimeoutError::TimeoutError() : OSError(std::string()) {}

void throw_os_error(int errnum, std::string_view call, std::string_view object) {
    switch (errnum) {
    case ETIMEDOUT: throw TimeoutError(errnum, call, object);
    case EAGAIN:
    case EALREADY:
    case EINPROGRESS: throw BlockingIOError(errnum, call, object);
    case ECHILD: throw ChildProcessError(errnum, call, object);
    case EPIPE:
    case ESHUTDOWN: throw BrokenPipeError(errnum, call, object);
    case ECONNABORTED: throw ConnectionAbortedError(errnum, call, object);
    case ECONNREFUSED: throw ConnectionRefusedError(errnum, call, object);
    case ECONNRESET: throw ConnectionResetError(errnum, call, object);
    case EEXIST: throw FileExistsError(errnum, call, object);
    case ENOENT: throw FileNotFoundError(errnum, call, object);
    case EINTR: throw InterruptedError(errnum, call, object);
    case EISDIR: throw IsADirectoryError(errnum, call, object);
    case ENOTDIR: throw NotADirectoryError(errnum, call, object);
    case EACCES:
    case EPERM: throw PermissionError(errnum, call, object);
    case ESRCH: throw ProcessLookupError(errnum, call, object);
    default: throw OSError(errnum, call, object);
    }
}

std::exception_ptr os_error(int errnum, std::string_view call, std::string_view object) {
    try {
        throw_os_error(errnum, call, object);
    } catch (...) {
        return std::current_exception();
    }
}

} // namespace asyncio::os
