// SPDX-License-Identifier: MIT
// Functions and exceptions by name: what a worker, another process of this program, knows them by.
#pragma once

#include "multiprocessing/batches.h"

#include <string>
#include <string_view>
#include <typeinfo>

namespace multiprocessing {

namespace detail {

using Runner = std::string (*)(void (*function)(), std::string_view calls);

void register_function(std::string name, void (*function)(), Runner run);

struct ExceptionType {
    const std::type_info* type;
    std::string (*pack)(const std::exception_ptr& error);
    std::exception_ptr (*unpack)(Unpacker& from);
};
void register_exception(std::string name, ExceptionType type);

} // namespace detail

/// Makes a function known to workers by name. Declare it at namespace scope, beside the function:
///
///     const multiprocessing::Registration functions[] = {
///         {"count_primes", count_primes},
///         {"worker_pid", worker_pid},
///     };
///
/// A name belongs to one function; if two have it, freeze_support() says so. Arguments and results
/// travel as values: the decayed types of the parameters, and of what is returned, are packed.
///
/// Thread    before main().
class Registration {
public:
    template <class R, class... P>
    Registration(std::string name, R (*function)(P...)) {
        static_assert(((!std::is_pointer_v<std::decay_t<P>>) && ...) && !std::is_pointer_v<R>,
                      "a pointer means nothing in another process");
        detail::register_function(std::move(name), reinterpret_cast<void (*)()>(function),
                                  &detail::run_batch<R, P...>);
    }
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;
};

/// Lets an exception of yours come through with its type: one that can be made of its what(), or
/// that has a serialize() and can be made of nothing. Declare it at namespace scope:
///
///     const multiprocessing::ExceptionRegistration<OutOfPaper> out_of_paper("OutOfPaper");
///
/// Thread    before main().
template <class E>
class ExceptionRegistration {
    static constexpr bool whole =
        cereal::traits::is_output_serializable<E, cereal::BinaryOutputArchive>::value &&
        std::is_default_constructible_v<E>;
    static_assert(whole || std::is_constructible_v<E, const std::string&>,
                  "made of a text, or with a serialize() and made of nothing");

public:
    explicit ExceptionRegistration(std::string name) {
        detail::register_exception(std::move(name), {&typeid(E), &pack, &unpack});
    }
    ExceptionRegistration(const ExceptionRegistration&) = delete;
    ExceptionRegistration& operator=(const ExceptionRegistration&) = delete;

private:
    static std::string pack(const std::exception_ptr& error) {
        Packer bytes;
        try {
            std::rethrow_exception(error);
        } catch (const E& thrown) {
            if constexpr (whole) {
                bytes.add(thrown);
            } else {
                bytes.add(std::string(thrown.what()));
            }
        }
        return std::move(bytes).take();
    }
    static std::exception_ptr unpack(Unpacker& from) {
        if constexpr (whole) {
            return std::make_exception_ptr(from.take<E>());
        } else {
            return std::make_exception_ptr(E(from.take<std::string>()));
        }
    }
};

// ---- the library's own use ----------------------------------------------------------------------

/// The name that a function is registered by, or nothing.
const std::string* name_of(void (*function)()) noexcept;
/// In a worker: calls the function of that name, once a set of arguments.
/// Returns   the reply; of a name that is not known here, a PicklingError is its error.
std::string run_registered(std::string_view name, std::string_view calls);
/// Throws    RuntimeError: a name was given to two functions, or to two exceptions.
void check_names();
/// The registered type that `type` is exactly, or null; its name with it.
const std::pair<const std::string, detail::ExceptionType>*
exception_type_of(const std::type_info& type) noexcept;
const detail::ExceptionType* exception_type_named(std::string_view name) noexcept;

} // namespace multiprocessing
