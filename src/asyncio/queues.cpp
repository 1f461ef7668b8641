// SPDX-License-Identifier: MIT
// Queues: errors and text forms.
#include "asyncio/queues.h"

namespace asyncio::detail {

// Without a message, as in Python: the type says it.
void QueueBase::throw_shut_down() { throw QueueShutDown(); }
std::exception_ptr QueueBase::shut_down_error() { return std::make_exception_ptr(QueueShutDown()); }
void QueueBase::throw_full() { throw QueueFull(); }
void QueueBase::throw_empty() { throw QueueEmpty(); }
void QueueBase::throw_done_too_often() { throw ValueError("task_done() called too many times"); }

std::string QueueBase::facts_text(const char* name, const std::string& items) const {
    std::string text = std::string("<") + name + " maxsize=" + std::to_string(maxsize());
    if (!items.empty()) text += " _queue=[" + items + "]";
    if (const std::size_t count = getters_.waiting(); count != 0) {
        text += " _getters[" + std::to_string(count) + "]";
    }
    if (const std::size_t count = putters_.waiting(); count != 0) {
        text += " _putters[" + std::to_string(count) + "]";
    }
    if (unfinished_ != 0) text += " tasks=" + std::to_string(unfinished_);
    if (shut_down_) text += " shutdown";
    return text + ">";
}

} // namespace asyncio::detail
