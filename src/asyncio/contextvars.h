// SPDX-License-Identifier: MIT
// Context variables: ambient values that each task inherits and changes for itself alone.
#pragma once

#include "asyncio/exceptions.h"

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace asyncio {

namespace detail {

struct ContextValue { // one value of one variable; shared by all contexts that have it
    explicit ContextValue(void (*destroy_self)(ContextValue*) noexcept) : destroy(destroy_self) {}
    std::atomic<std::uint32_t> refs{1};
    void (*destroy)(ContextValue*) noexcept;
};

template <class T>
struct TypedContextValue : ContextValue {
    explicit TypedContextValue(T v)
        : ContextValue(
              [](ContextValue* self) noexcept { delete static_cast<TypedContextValue*>(self); }),
          value(std::move(v)) {}
    T value;
};

struct ContextMap; // immutable, counted

struct ContextHolder { // a map that can be replaced, counted: what a Context handle shows
    std::atomic<std::uint32_t> refs{1};
    const ContextMap* map = nullptr; // one count, or null: empty
    bool entered = false;
};

/// The context of one task or callback: empty, a map of its own (copied on write), or a holder
/// shared with a Context handle. Eight bytes; copying takes a snapshot, as copy_context() does.
class ContextSlot {
public:
    ContextSlot() noexcept = default;
    ContextSlot(const ContextSlot& other) noexcept {
        if (other.bits_ == 0) [[likely]]
            return;
        if (const ContextMap* values = other.map(); values != nullptr) bits_ = shared(values);
    }
    ContextSlot(ContextSlot&& other) noexcept : bits_(std::exchange(other.bits_, 0)) {}
    ContextSlot& operator=(ContextSlot other) noexcept {
        std::swap(bits_, other.bits_);
        return *this;
    }
    ~ContextSlot() {
        if (bits_ != 0) drop();
    }

    bool empty() const noexcept { return bits_ == 0; } // no map, and nobody shows it

    ContextValue* find(std::uint64_t variable) const noexcept; // null: not set here
    void set(std::uint64_t variable, ContextValue* value); // null: unset. Takes over one count
    std::size_t size() const noexcept;

    ContextHolder* share(); // turns into a holder; adds a count
    static ContextSlot of(ContextHolder* holder) noexcept; // adds a count

private:
    static constexpr std::uintptr_t holder_bit = 1;

    static std::uintptr_t shared(const ContextMap* map) noexcept; // adds a count
    void drop() noexcept;
    const ContextMap* map() const noexcept {
        if ((bits_ & holder_bit) == 0) return reinterpret_cast<const ContextMap*>(bits_);
        return reinterpret_cast<const ContextHolder*>(bits_ & ~holder_bit)->map;
    }

    std::uintptr_t bits_ = 0; // ContextMap*, or ContextHolder* with bit 0 set
};

/// Where the current context is; null: the thread's own.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local ContextSlot* context_slot;
ContextSlot& thread_context() noexcept;
/// The slot that the running task, callback or Context::run() uses; else the thread's own.
inline ContextSlot& current_context() noexcept {
    return context_slot != nullptr ? *context_slot : thread_context();
}

std::uint64_t new_context_variable() noexcept;
void release(ContextValue* value) noexcept;
void release_holder(ContextHolder* holder) noexcept;
void enter(ContextHolder* holder); // RuntimeError: entered already
void leave(ContextHolder* holder) noexcept;

} // namespace detail

/// A set of values of context variables that can be kept, passed on and entered.
///
/// A handle: copies show the same context.
/// Thread    any, but one at a time.
/// Source    CPython contextvars.Context.
class Context {
public:
    Context(); // empty
    Context(const Context& other) noexcept;
    Context(Context&& other) noexcept : holder_(std::exchange(other.holder_, nullptr)) {}
    Context& operator=(Context other) noexcept {
        std::swap(holder_, other.holder_);
        return *this;
    }
    ~Context();

    /// Calls `f(args...)` in this context: what it sets stays here.
    /// Throws    RuntimeError: this context is entered already. Else what f throws.
    template <class F, class... Args>
    decltype(auto) run(F&& f, Args&&... args) {
        const Entered here(holder_);
        return std::forward<F>(f)(std::forward<Args>(args)...);
    }

    /// A context of its own with the same values.
    Context copy() const;
    std::size_t size() const noexcept; // how many variables have a value in it

    friend bool operator==(const Context&, const Context&) noexcept = default;

private:
    friend Context copy_context();
    friend struct ContextAccess;
    explicit Context(detail::ContextHolder* holder) noexcept : holder_(holder) {}

    class Entered {
    public:
        explicit Entered(detail::ContextHolder* holder);
        Entered(const Entered&) = delete;
        Entered& operator=(const Entered&) = delete;
        ~Entered();

    private:
        detail::ContextHolder* holder_;
        detail::ContextSlot slot_;
        detail::ContextSlot* before_;
    };

    detail::ContextHolder* holder_; // never null but after a move
};

/// A copy of the current context.
/// Source    CPython contextvars.copy_context.
Context copy_context();

struct ContextAccess { // for the library: what tasks and callbacks keep of a Context
    /// What a task keeps of `context`: it shares it.
    static detail::ContextSlot slot(const Context& context) noexcept {
        return detail::ContextSlot::of(context.holder_);
    }
    /// A handle of what a task has.
    static Context handle(detail::ContextSlot& slot) { return Context(slot.share()); }
};

/// What ContextVar::set returns: how to undo it.
template <class T>
class Token {
public:
    /// What was there before the set(); nothing: it was not set.
    std::optional<T> old_value() const { return old_; }

private:
    template <class U>
    friend class ContextVar;
    Token(std::uint64_t variable, std::optional<T> old)
        : variable_(variable), old_(std::move(old)) {}

    std::uint64_t variable_;
    std::optional<T> old_;
    bool used_ = false;
};

/// A variable with a value per context. Declare it at namespace scope.
///
/// T         copyable; get() copies it.
/// Thread    any.
/// Cost      get: O(log n) in the variables set; set: O(n), one or two allocations.
/// Source    CPython contextvars.ContextVar.
template <class T>
class ContextVar {
public:
    explicit ContextVar(std::string name) : name_(std::move(name)) {}
    ContextVar(std::string name, T default_value)
        : name_(std::move(name)), default_(std::move(default_value)) {}
    ContextVar(const ContextVar&) = delete;
    ContextVar& operator=(const ContextVar&) = delete;

    const std::string& name() const noexcept { return name_; } // for messages; need not be unique

    /// The value in the current context, else the variable's default.
    /// Throws    LookupError: neither.
    T get() const {
        if (const T* value = find()) return *value;
        if (default_) return *default_;
        throw LookupError(name_);
    }

    /// The value in the current context, else `fallback`.
    T get_or(T fallback) const {
        const T* value = find();
        return value != nullptr ? *value : std::move(fallback);
    }

    /// Sets the value in the current context; other contexts keep theirs.
    /// Returns   what reset() takes, to put back what was there.
    Token<T> set(T value) {
        Token<T> token(id_, old_value());
        detail::current_context().set(id_, new detail::TypedContextValue<T>(std::move(value)));
        return token;
    }

    /// Puts the value back that was there before the `set` that gave `token`.
    /// Throws    RuntimeError: the token was used already. ValueError: it is of another variable.
    void reset(Token<T>& token) {
        if (token.used_) throw RuntimeError("Token has already been used once");
        if (token.variable_ != id_) throw ValueError("Token was created by a different ContextVar");
        detail::ContextValue* value = nullptr;
        if (token.old_) value = new detail::TypedContextValue<T>(*token.old_);
        detail::current_context().set(id_, value);
        token.used_ = true;
    }

private:
    const T* find() const noexcept {
        const detail::ContextValue* value = detail::current_context().find(id_);
        if (value == nullptr) return nullptr;
        return &static_cast<const detail::TypedContextValue<T>*>(value)->value;
    }
    std::optional<T> old_value() const {
        if (const T* value = find()) return *value;
        return std::nullopt;
    }

    std::string name_;
    std::optional<T> default_;
    std::uint64_t id_ = detail::new_context_variable();
};

} // namespace asyncio
