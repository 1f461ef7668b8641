// SPDX-License-Identifier: MIT
// AsyncGenerator<T>: a coroutine that yields values and may await between them.
#pragma once

#include "asyncio/coroutines.h"

#include <optional>

namespace asyncio {

template <class T>
class AsyncGenerator;

namespace detail {

/// The part of a generator's frame that knows no T. Frame::is_generator(): the loop leaves it to
/// its owner, the AsyncGenerator.
class GeneratorFrame : public Frame, public base::ListNode {
public:
    GeneratorFrame() noexcept { out = &generator_mark; }
    ~GeneratorFrame() {
        if (linked()) leave_loop();
    }

    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() noexcept {
        mark_finished();
        return LastYield{*this};
    }

    bool finished() const noexcept { return finished_; }
    bool started() const noexcept { return started_; }
    bool running() const noexcept { return running_; }

    /// Called at each resumption by next() and aclose().
    void begin(CellHead* cell);
    void ask_to_close() noexcept { closing_ = true; }
    bool closing() const noexcept { return closing_; }
    void mark_finished() noexcept {
        finished_ = true;
        if (linked()) leave_loop();
    }
    void leave_loop() noexcept;
    static GeneratorFrame* of(base::ListNode* node) noexcept {
        return static_cast<GeneratorFrame*>(node);
    }

protected:
    /// Suspends and goes back to whoever asked for the next value.
    struct LastYield {
        GeneratorFrame& frame;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<>) const noexcept {
            frame.running_ = false;
            here.next = std::exchange(frame.parent, nullptr); // null: it ran inline
        }
        void await_resume() const noexcept {}
    };
    struct Yield : LastYield {
        void await_resume() const {
            if (frame.closing_) throw GeneratorExit();
        }
    };

    CellHead* result_ = nullptr; // of the present next()

private:
    void join_loop() noexcept; // so that shutdown_asyncgens finds it

    bool started_ = false;
    bool running_ = false;
    bool finished_ = false;
    bool closing_ = false;
};

/// Debug mode: of a generator that is destroyed between two values.
void report_unfinished(const GeneratorFrame& frame) noexcept;

template <class T>
class GeneratorPromise final : public GeneratorFrame {
public:
    using Result = std::optional<T>;

    AsyncGenerator<T>
    get_return_object(std::source_location function = std::source_location::current()) noexcept;

    template <class U>
        requires std::is_constructible_v<T, U&&>
    Yield yield_value(U&& value) {
        if (closing()) throw RuntimeError("async generator ignored GeneratorExit");
        ::new (result_->payload()) Result(std::in_place, std::forward<U>(value));
        result_->st = CellHead::value;
        return Yield{{*this}};
    }
    void return_void() noexcept {
        if (!closing()) ::new (result_->payload()) Result(); // who closes has no place for one
        result_->st = CellHead::value;
    }
    void unhandled_exception() noexcept {
        if (!closing()) destroy_result<Result>(*result_);
        ::new (result_->payload()) std::exception_ptr(std::current_exception());
        result_->st = CellHead::error;
        note_failure(*this, result_->exception());
    }
};

/// Resumes a generator: what next() and aclose() have in common.
class GeneratorResumer {
public:
    GeneratorResumer(const GeneratorResumer&) = delete; // the generator knows the cell's address
    GeneratorResumer& operator=(const GeneratorResumer&) = delete;

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> parent,
                       std::source_location where = std::source_location::current()) noexcept {
        static_assert(is_frame<Promise>, "co_await this in an asyncio coroutine");
        parent.promise().where = where;
        frame_->parent = &parent.promise();
    }

protected:
    explicit GeneratorResumer(GeneratorFrame* frame) noexcept : frame_(frame) {}
    ~GeneratorResumer() = default;

    bool resume(CellHead& cell, std::source_location where) {
        started_ = true;
        if (stack_position() < here.care_limit && starts_afresh(frame_)) [[unlikely]] {
            here.next = frame_;
            return false;
        }
        InlineChild running{here.inline_child, frame_, where};
        here.inline_child = &running;
        frame_->handle().resume();
        here.inline_child = running.outer;
        return cell.settled();
    }

    GeneratorFrame* frame_; // null: moved from
    bool started_ = false;  // the cell is in use
};

template <class T>
class [[nodiscard]] NextAwaiter : GeneratorResumer {
    using Result = std::optional<T>;

public:
    explicit NextAwaiter(GeneratorFrame* frame) noexcept : GeneratorResumer(frame) {}
    ~NextAwaiter() { destroy_result<Result>(cell_.head); }

    bool await_ready(std::source_location where = std::source_location::current()) {
        if (frame_ == nullptr || frame_->finished()) return true;
        frame_->begin(&cell_.head);
        return resume(cell_.head, where);
    }
    using GeneratorResumer::await_suspend;
    Result await_resume() {
        if (!started_) return Result();
        if (cell_.head.st == CellHead::error) {
            std::rethrow_exception(std::move(cell_.head.exception()));
        }
        return std::move(value_in<Result>(cell_.head));
    }

private:
    ResultCell<Result> cell_;
};

class [[nodiscard]] CloseAwaiter : GeneratorResumer {
public:
    explicit CloseAwaiter(GeneratorFrame* frame) noexcept : GeneratorResumer(frame) {}
    ~CloseAwaiter() {
        if (cell_.head.st == CellHead::error) cell_.head.exception().~exception_ptr();
    }

    bool await_ready(std::source_location where = std::source_location::current()) {
        if (frame_ == nullptr || frame_->finished()) return true;
        if (!frame_->started()) {
            frame_->mark_finished();
            return true;
        }
        frame_->begin(&cell_.head);
        frame_->ask_to_close();
        return resume(cell_.head, where);
    }
    using GeneratorResumer::await_suspend;
    void await_resume() {
        if (!started_ || cell_.head.st != CellHead::error) return;
        const std::exception_ptr error = cell_.head.exception();
        if (!is_exception<GeneratorExit>(error)) std::rethrow_exception(error);
    }

private:
    ResultCell<void> cell_;
};

} // namespace detail

/// A coroutine that yields values (`co_yield`) and may await between them.
///
///     while (auto value = co_await generator.next()) use(*value);
///
/// One user at a time. Destroying one that is suspended destroys its locals, but cannot run awaits
/// of its clean-up (debug mode reports it): aclose() can, and the loop's shutdown does it for those
/// that are left.
///
/// Cancel    as for any coroutine: the cancel goes to what the generator awaits.
/// Source    PEP 525.  Differs: `async for` is a while loop; a timeout or group cannot be left open
///           across a yield (their bodies are coroutines of their own).
template <class T>
class [[nodiscard]] AsyncGenerator {
public:
    using promise_type = detail::GeneratorPromise<T>;
    using value_type = T;

    AsyncGenerator(AsyncGenerator&& other) noexcept
        : frame_(std::exchange(other.frame_, nullptr)) {}
    AsyncGenerator& operator=(AsyncGenerator&& other) noexcept {
        std::swap(frame_, other.frame_);
        return *this;
    }
    ~AsyncGenerator() {
        if (frame_ == nullptr) return;
        if (frame_->started() && !frame_->finished()) detail::report_unfinished(*frame_);
        frame_->handle().destroy();
    }

    /// The operation next() or aclose().
    template <class Awaiter>
    class [[nodiscard("co_await it")]] Operation {
    public:
        Awaiter operator co_await() const noexcept { return Awaiter(frame_); }

    private:
        friend class AsyncGenerator;
        explicit Operation(promise_type* frame) noexcept : frame_(frame) {}
        promise_type* frame_; // LIFETIME: the generator outlives the await
    };
    using Next = Operation<detail::NextAwaiter<T>>;
    using Close = Operation<detail::CloseAwaiter>;

    /// Runs to the next co_yield.
    /// Returns   the value; nothing at the end.
    /// Throws    what the body throws (it is finished then). RuntimeError: it runs already.
    /// Cancel    goes to what the generator awaits; if that lets it pass, the generator is
    ///           finished.
    Next next() noexcept { return Next(frame_); }

    /// Ends it: throws GeneratorExit at its co_yield and waits until its clean-up has run.
    /// Throws    RuntimeError: it yielded again, or runs already.
    /// Cancel    goes to the clean-up.
    Close aclose() noexcept { return Close(frame_); }

private:
    friend promise_type;
    explicit AsyncGenerator(promise_type* frame) noexcept : frame_(frame) {}
    promise_type* frame_;
};

namespace detail {

template <class T>
AsyncGenerator<T> GeneratorPromise<T>::get_return_object(std::source_location function) noexcept {
    where = function;
    static_assert(alignof(GeneratorPromise) <= 16);
    return AsyncGenerator<T>(this);
}

} // namespace detail

} // namespace asyncio
