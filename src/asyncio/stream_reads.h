// SPDX-License-Identifier: MIT
// The reads of a StreamReader: when each has enough, how it fails, what it takes.
#pragma once

#include "asyncio/stream_states.h"

#include <cstring>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace asyncio::detail {

/// Takes the first `bytes` as a string, or what is there.
inline std::string taken(ReaderState& reader, std::size_t bytes) {
    std::string data(reader.unread().substr(0, bytes));
    reader.consume(data.size());
    return data;
}

std::exception_ptr negative_size_error();
/// Ended before all was there: takes what is left.
std::exception_ptr incomplete_error(ReaderState& reader, std::optional<std::size_t> expected);

// Each has: Result; label; ready(), which says whether there is nothing more to wait for;
// failure(), asked once when it is ready, null if all is well; take(), then.

/// Up to n bytes; of a negative n all up to the end.
class ReadSome {
public:
    using Result = std::string;
    static constexpr const char* label = "StreamReader.read";

    explicit ReadSome(std::ptrdiff_t bytes) noexcept : bytes_(bytes) {}
    bool ready(const ReaderState& reader) noexcept {
        if (bytes_ < 0) return reader.is_over();
        return bytes_ == 0 || !reader.unread().empty() || reader.is_over();
    }
    std::exception_ptr failure(ReaderState& reader) noexcept { return reader.error(); }
    std::string take(ReaderState& reader) {
        return taken(reader, static_cast<std::size_t>(bytes_));
    }

private:
    std::ptrdiff_t bytes_; // negative: the largest size, as size_t
};

/// The same into a buffer.
class ReadInto {
public:
    using Result = std::size_t;
    static constexpr const char* label = "StreamReader.read_into";

    explicit ReadInto(std::span<std::byte> into) noexcept : into_(into) {}
    bool ready(const ReaderState& reader) noexcept {
        return into_.empty() || !reader.unread().empty() || reader.is_over();
    }
    std::exception_ptr failure(ReaderState& reader) noexcept { return reader.error(); }
    std::size_t take(ReaderState& reader) {
        const std::string_view bytes = reader.unread().substr(0, into_.size());
        if (!bytes.empty()) std::memcpy(into_.data(), bytes.data(), bytes.size());
        reader.consume(bytes.size());
        return bytes.size();
    }

private:
    std::span<std::byte> into_; // LIFETIME: the caller's, until the await has ended
};

class ReadExactly {
public:
    using Result = std::string;
    static constexpr const char* label = "StreamReader.readexactly";

    explicit ReadExactly(std::ptrdiff_t bytes) noexcept : bytes_(bytes) {}
    bool ready(const ReaderState& reader) noexcept {
        return bytes_ <= static_cast<std::ptrdiff_t>(reader.unread().size()) || reader.is_over();
    }
    std::exception_ptr failure(ReaderState& reader) {
        if (bytes_ < 0) return negative_size_error();
        if (reader.error()) return reader.error();
        const auto wanted = static_cast<std::size_t>(bytes_);
        return reader.unread().size() < wanted ? incomplete_error(reader, wanted) : nullptr;
    }
    std::string take(ReaderState& reader) {
        return taken(reader, static_cast<std::size_t>(bytes_));
    }

private:
    std::ptrdiff_t bytes_;
};

/// Up to a LF and with it; at the end what is left.
class ReadLine {
public:
    using Result = std::string;
    static constexpr const char* label = "StreamReader.readline";

    bool ready(const ReaderState& reader) noexcept {
        const std::string_view unread = reader.unread();
        const void* hit = scanned_ < unread.size() ? std::memchr(unread.data() + scanned_, '\n',
                                                                 unread.size() - scanned_)
                                                   : nullptr;
        if (hit != nullptr) [[likely]] {
            end_ = static_cast<std::size_t>(static_cast<const char*>(hit) - unread.data()) + 1;
            return true;
        }
        scanned_ = unread.size();
        return reader.is_over() || scanned_ > reader.limit();
    }
    std::exception_ptr failure(ReaderState& reader) {
        const bool too_long = end_ != 0 ? end_ - 1 > reader.limit() : scanned_ > reader.limit();
        if (!too_long && reader.error() == nullptr) [[likely]]
            return nullptr;
        return special_failure(reader);
    }
    std::string take(ReaderState& reader) {
        return taken(reader, end_ != 0 ? end_ : reader.unread().size());
    }

private:
    std::exception_ptr special_failure(ReaderState& reader);

    std::size_t scanned_ = 0; // no LF before this
    std::size_t end_ = 0; // of the line; 0: not found
};

/// The same; nothing at the end.
class NextLine : public ReadLine {
public:
    using Result = std::optional<std::string>;
    static constexpr const char* label = "StreamReader.next_line";

    std::optional<std::string> take(ReaderState& reader) {
        if (reader.unread().empty()) return std::nullopt;
        return ReadLine::take(reader);
    }
};

/// Up to the first of some separators and with it.
class ReadUntil {
public:
    using Result = std::string;
    static constexpr const char* label = "StreamReader.readuntil";

    explicit ReadUntil(std::vector<std::string> separators);
    bool ready(const ReaderState& reader) noexcept;
    std::exception_ptr failure(ReaderState& reader);
    std::string take(ReaderState& reader) { return taken(reader, end_); }

private:
    bool find(std::string_view unread) noexcept;

    std::vector<std::string> separators_; // shortest first
    std::size_t scanned_ = 0; // none begins before this
    std::size_t begin_ = 0; // of the one that was found
    std::size_t end_ = 0; // 0: none was
};

template <class Op>
class [[nodiscard]] ReadAwaiter final : public ReadWaiter {
public:
    using Result = typename Op::Result;

    ReadAwaiter(Counted<ReaderState> reader, Op op)
        : ReadWaiter(std::move(reader)), op_(std::move(op)) {}

    bool await_ready() {
        reader_->check_free(Op::label);
        return op_.ready(*reader_);
    }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame,
                       std::source_location where = std::source_location::current()) {
        static_assert(is_frame<Promise>, "co_await this in an asyncio coroutine");
        reader_->wait(this);
        suspended(suspend_task(this, frame.promise(), where));
    }
    Result await_resume() {
        leave();
        if (task != nullptr && take_cancel()) [[unlikely]]
            throw_cancelled();
        if (const std::exception_ptr error = op_.failure(*reader_)) [[unlikely]]
            std::rethrow_exception(error);
        return op_.take(*reader_);
    }
    Outcome<Result> await_outcome() {
        leave();
        if (task != nullptr && take_cancel()) {
            return Outcome<Result>::with_cancellation(take_cancel_message(here.task));
        }
        if (std::exception_ptr error = op_.failure(*reader_)) {
            return Outcome<Result>::with_exception(std::move(error));
        }
        return Outcome<Result>::with_value(op_.take(*reader_));
    }

    bool satisfied() noexcept override { return op_.ready(*reader_); }
    const char* label() const noexcept override { return Op::label; }

private:
    Op op_;
};

/// The operation: a stream, and what its awaiter is made from.
template <class Op, class... Args>
class [[nodiscard("co_await it")]] Read {
public:
    explicit Read(Counted<ReaderState> reader, Args... args)
        : reader_(std::move(reader)), args_(std::move(args)...) {}
    ReadAwaiter<Op> operator co_await() const& {
        return {reader_, std::make_from_tuple<Op>(args_)};
    }
    ReadAwaiter<Op> operator co_await() && {
        return {std::move(reader_), std::make_from_tuple<Op>(std::move(args_))};
    }

private:
    Counted<ReaderState> reader_;
    [[no_unique_address]] std::tuple<Args...> args_;
};

} // namespace asyncio::detail
