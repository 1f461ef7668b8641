// SPDX-License-Identifier: MIT
// Callbacks: a callable with its arguments as a node of the ready queue, and what holds one.
#pragma once

#include "asyncio/coroutines.h"
#include "asyncio/durations.h"
#include "asyncio/scheduling.h"

#include <concepts>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace asyncio {

namespace detail {

struct CallbackNode;

struct CallbackOps {
    void (*run)(CallbackNode*);
    void (*drop)(CallbackNode*) noexcept;    // destroys the callable
    void (*free)(CallbackNode*) noexcept;    // destroys the node
    const std::type_info& type;              // of the callable
};

/// A callable that the loop runs in a later turn. The queue and each handle hold a count.
struct CallbackNode : ReadyNode {
    enum Flag : std::uint8_t {
        cancelled = 1,
        dropped = 2, // the callable is destroyed
        queued = 4,  // a repeating one stands in the ready queue
        repeats = 8,
        timer = 16,
        ran = 32, // it has been called, or is just running
    };

    std::uint32_t refs;
    std::uint8_t flags = 0;
    std::uint16_t loop;
    const CallbackOps* ops;
    ContextSlot context;

    CallbackNode(const CallbackOps* operations, std::uint16_t loop_index, std::uint32_t counts = 1)
        : refs(counts), loop(loop_index), ops(operations),
          context(std::as_const(current_context())) {}
    CallbackNode(const CallbackNode&) = delete;
    CallbackNode& operator=(const CallbackNode&) = delete;

    bool has(std::uint8_t flag) const noexcept { return (flags & flag) != 0; }
    void set(std::uint8_t flag) noexcept { flags = static_cast<std::uint8_t>(flags | flag); }

protected:
    ~CallbackNode() = default;
};

inline void add_ref(CallbackNode* node) noexcept { ++node->refs; }
inline void release(CallbackNode* node) noexcept {
    if (--node->refs == 0) node->ops->free(node);
}
/// Forgets the callable, so that what it captured goes at once.
inline void drop_callable(CallbackNode* node) noexcept {
    if (node->has(CallbackNode::dropped)) return;
    node->set(CallbackNode::dropped);
    node->ops->drop(node);
}
/// Its callable as a report names it: "bad_callback()".
std::string describe(const CallbackNode& node);
/// "<Handle bad_callback()>"
std::string handle_text(const CallbackNode& node);
/// Debug mode: keeps the creator's calls. See note_origin of a future.
void note_origin(CallbackNode* node, std::source_location where) noexcept;

/// Queues a node for the loop's next turn; the queue takes over one count.
inline void queue_callback(LoopCore& loop, CallbackNode* node) noexcept {
    loop.ready.push(node, ReadyKind::callback);
}

/// The callable and its decayed arguments. `Base` is CallbackNode or derives from it.
template <class Base, class F, class... Args>
struct BoundCallback final : Base {
    template <class... BaseArgs>
    BoundCallback(std::tuple<BaseArgs...> base, F callable, Args... arguments)
        : BoundCallback(std::index_sequence_for<BaseArgs...>(), base, std::move(callable),
                        std::move(arguments)...) {}
    ~BoundCallback() {
        if (!this->has(CallbackNode::dropped)) bound.~Bound();
    }

    static void run(CallbackNode* node) {
        auto* self = static_cast<BoundCallback*>(node);
        if constexpr (requires { Base::call(self, self->bound.callable, self->bound.arguments); }) {
            Base::call(self, self->bound.callable, self->bound.arguments);
        } else {
            std::apply(self->bound.callable, self->bound.arguments);
        }
    }
    static void drop(CallbackNode* node) noexcept {
        static_cast<BoundCallback*>(node)->bound.~Bound();
    }
    static void free(CallbackNode* node) noexcept {
        auto* self = static_cast<BoundCallback*>(node);
        self->~BoundCallback();
        base::StatePool::give(self, sizeof(BoundCallback));
    }

    struct Bound {
        F callable;
        [[no_unique_address]] std::tuple<Args...> arguments;
    };
    static constexpr CallbackOps ops_table{&run, &drop, &free, typeid(F)};
    union {
        Bound bound;
    };

private:
    template <std::size_t... I, class... BaseArgs>
    BoundCallback(std::index_sequence<I...>, std::tuple<BaseArgs...>& base, F callable,
                  Args... arguments)
        : Base(&ops_table, std::get<I>(base)...),
          bound{std::move(callable), std::tuple<Args...>(std::move(arguments)...)} {}
};

/// Makes a node of class Base for `f(args...)`.
template <class Base, class... BaseArgs, class F, class... Args>
[[gnu::always_inline]] inline Base* make_callback(std::tuple<BaseArgs...> base, F&& f,
                                                  Args&&... args) {
    using Node = BoundCallback<Base, std::decay_t<F>, std::decay_t<Args>...>;
    static_assert(alignof(Node) <= 8, "callbacks may be aligned to 8 bytes at most");
    void* memory = base::StatePool::take(sizeof(Node));
    try {
        return ::new (memory) Node(base, std::forward<F>(f), std::forward<Args>(args)...);
    } catch (...) {
        base::StatePool::give(memory, sizeof(Node));
        throw;
    }
}

struct TimerCallback : CallbackNode, TimedWaiter {
    TimerCallback(const CallbackOps* operations, std::uint16_t loop_index, std::int64_t deadline)
        : CallbackNode(operations, loop_index) {
        when = deadline;
        set(timer);
    }
    void fired() noexcept final; // queues itself; the heap's count goes to the queue
    void abandon() noexcept final {}
    void dropped() noexcept final { release(this); } // the loop closed
};

} // namespace detail

/// A context for a callback: `loop.call_soon(in_context(context), f, args...)`.
struct InContext {
    Context context;
};
inline InContext in_context(Context context) { return {std::move(context)}; }

namespace detail {

template <class F, class... Args>
concept PlainCallback = std::is_invocable_v<std::decay_t<F>&, std::decay_t<Args>&...> &&
                        !is_coro_v<std::invoke_result_t<std::decay_t<F>&, std::decay_t<Args>&...>>;
template <class F, class... Args>
inline constexpr bool is_callback = PlainCallback<F, Args...>;
template <class F, class... Args>
inline constexpr bool is_callback<InContext, F, Args...> = PlainCallback<F, Args...>;

/// make_callback(), in the context that stands before the callable, if there is one.
template <class Base, class... BaseArgs, class F, class... Args>
[[gnu::always_inline]] inline Base* make_loop_callback(std::tuple<BaseArgs...> base, F&& f,
                                                       Args&&... args) {
    if constexpr (std::is_same_v<std::decay_t<F>, InContext>) {
        Base* node = make_callback<Base>(std::move(base), std::forward<Args>(args)...);
        node->context = ContextAccess::slot(f.context);
        return node;
    } else {
        return make_callback<Base>(std::move(base), std::forward<F>(f),
                                   std::forward<Args>(args)...);
    }
}

} // namespace detail

/// What the loop can call as `f(args...)`, perhaps behind in_context(...). No coroutine: that is a
/// task.
template <class F, class... Args>
concept Callback = detail::is_callback<std::decay_t<F>, Args...>;

/// A scheduled call. Dropping the handle changes nothing.
///
/// Thread    the loop's own.
/// Source    CPython asyncio.Handle.
class Handle {
public:
    Handle(const Handle& other) noexcept : node_(other.node_) { detail::add_ref(node_); }
    Handle(Handle&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
    Handle& operator=(Handle other) noexcept {
        std::swap(node_, other.node_);
        return *this;
    }
    ~Handle() {
        if (node_ != nullptr) detail::release(node_);
    }

    /// The call will not happen. Harmless if it has happened, or twice.
    void cancel() noexcept;
    bool cancelled() const noexcept { return node_->has(detail::CallbackNode::cancelled); }
    Context get_context() const { return ContextAccess::handle(node_->context); }
    friend std::string to_string(const Handle& handle);

protected:
    friend class EventLoop;
    explicit Handle(detail::CallbackNode* node) noexcept : node_(node) {} // takes over a count
    detail::CallbackNode* node_;
};

/// A call at a time.
/// Source    CPython asyncio.TimerHandle.
class TimerHandle : public Handle {
public:
    /// The deadline on the loop's clock.
    TimePoint when() const noexcept;
    void cancel() noexcept;
    friend auto operator<=>(const TimerHandle& a, const TimerHandle& b) noexcept {
        return a.when() <=> b.when();
    }

private:
    friend class EventLoop;
    using Handle::Handle;
};

} // namespace asyncio
