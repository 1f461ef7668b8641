// SPDX-License-Identifier: MIT
// Waiting lines: what is not hot.
#include "asyncio/mixins.h"

#include <cstdio>

namespace asyncio::detail {

std::size_t WaitLine::count_from(const LinkedWaiter* waiter) const noexcept {
    std::size_t count = 0;
    for (; waiter != nullptr; waiter = all_.after(waiter)) ++count;
    return count;
}

void WaitLine::drop_all() noexcept {
    while (LinkedWaiter* waiter = all_.pop_front()) waiter->dropped();
}

namespace {

RuntimeError gone(const char* operation) {
    return RuntimeError(std::string(operation) + ": the object was destroyed while a task waited");
}

RuntimeError other_loop(const std::string& object_text) {
    return RuntimeError(object_text + " is bound to a different event loop");
}

} // namespace

void throw_gone(const char* operation) { throw gone(operation); }
std::exception_ptr gone_error(const char* operation) {
    return std::make_exception_ptr(gone(operation));
}
void throw_other_loop(const std::string& object_text) { throw other_loop(object_text); }
std::exception_ptr other_loop_error(const std::string& object_text) {
    return std::make_exception_ptr(other_loop(object_text));
}

std::string object_text(const char* type, const void* object, const std::string& facts) {
    char address[24];
    std::snprintf(address, sizeof address, "%p", object);
    return std::string("<asyncio.") + type + " object at " + address + " [" + facts + "]>";
}

} // namespace asyncio::detail
