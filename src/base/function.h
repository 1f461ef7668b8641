// SPDX-License-Identifier: MIT
// A move-only callable of a fixed signature: std::function without copies and without <functional>.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace asyncio::base {

template <class Signature>
class Function;

/// Holds any callable that can be called as R(Args...). Empty by default.
///
/// Cost      callables up to three pointers that move without throwing are kept in place; larger
///           ones take one allocation.
template <class R, class... Args>
class Function<R(Args...)> {
public:
    Function() noexcept {}
    Function(std::nullptr_t) noexcept {}

    template <class F>
        requires(!std::is_same_v<std::remove_cvref_t<F>, Function> &&
                 std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
    Function(F&& callable) { // implicit, as std::function's
        using Target = std::decay_t<F>;
        if constexpr (in_place<Target>) {
            ::new (static_cast<void*>(storage_)) Target(std::forward<F>(callable));
        } else {
            ::new (static_cast<void*>(storage_)) Target*(new Target(std::forward<F>(callable)));
        }
        ops_ = &ops_for<Target>;
    }

    Function(Function&& other) noexcept : ops_(std::exchange(other.ops_, nullptr)) {
        if (ops_ != nullptr) ops_->move(storage_, other.storage_);
    }
    Function& operator=(Function&& other) noexcept {
        if (this != &other) {
            this->~Function();
            ::new (this) Function(std::move(other));
        }
        return *this;
    }
    ~Function() {
        if (ops_ != nullptr) ops_->destroy(storage_);
    }

    explicit operator bool() const noexcept { return ops_ != nullptr; }
    // NOLINTNEXTLINE(performance-unnecessary-value-param): what is by value is forwarded as such.
    R operator()(Args... args) const {
        return ops_->call(const_cast<std::byte*>(storage_), std::forward<Args>(args)...);
    }

private:
    struct Ops {
        R (*call)(void*, Args&&...);
        void (*move)(void* to, void* from) noexcept;
        void (*destroy)(void*) noexcept;
    };

    template <class Target>
    static constexpr bool in_place =
        sizeof(Target) <= 3 * sizeof(void*) && alignof(Target) <= alignof(void*) &&
        std::is_nothrow_move_constructible_v<Target>;

    template <class Target>
    static Target& target(void* storage) noexcept {
        if constexpr (in_place<Target>) {
            return *std::launder(static_cast<Target*>(storage));
        } else {
            return **std::launder(static_cast<Target**>(storage));
        }
    }

    template <class Target>
    static R call_target(void* storage, Args&&... args) {
        if constexpr (std::is_void_v<R>) {
            target<Target>(storage)(std::forward<Args>(args)...);
        } else {
            return target<Target>(storage)(std::forward<Args>(args)...);
        }
    }

    template <class Target>
    static void move_target(void* to, void* from) noexcept {
        if constexpr (in_place<Target>) {
            ::new (to) Target(std::move(target<Target>(from)));
            target<Target>(from).~Target();
        } else {
            ::new (to) Target*(&target<Target>(from));
        }
    }

    template <class Target>
    static void destroy_target(void* storage) noexcept {
        if constexpr (in_place<Target>) {
            target<Target>(storage).~Target();
        } else {
            delete &target<Target>(storage);
        }
    }

    template <class Target>
    static constexpr Ops ops_for{&call_target<Target>, &move_target<Target>,
                                 &destroy_target<Target>};

    const Ops* ops_ = nullptr;
    alignas(void*) std::byte storage_[3 * sizeof(void*)];
};

} // namespace asyncio::base
