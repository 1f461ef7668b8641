// SPDX-License-Identifier: MIT
// Names and quotations for reports: a function as its source calls it, a text as Python's repr.
#pragma once

#include <source_location>
#include <string>
#include <string_view>
#include <typeinfo>

namespace asyncio::detail {

/// The function of a location without return type, parameters, namespaces and template arguments:
/// "work", "Server::handle", "main_.<lambda>".
///
/// A compiler's text does not tell a namespace from a class: what begins with a capital, has
/// template arguments or is called as an object counts as a class.
std::string function_name(std::source_location where);
/// The same for the text of a signature.
std::string name_in_signature(std::string_view signature);

/// The type as C++ writes it: "asyncio::Queue<int>".
std::string demangled(const std::type_info& type);
/// The name of a callable's type: "bad_callback" for a function object, "main_.<lambda>",
/// "function" for a pointer, since only the type is known.
std::string callable_name(const std::type_info& type);

/// The text as a Python string literal.
std::string quoted(std::string_view text);
/// The same, with the middle of a long text left out.
/// Source    CPython reprlib.repr.
std::string quoted_short(std::string_view text);

/// `  File "x.cpp", line 7, in work`: a line of a traceback.
std::string traceback_line(std::string_view file, unsigned line, std::string_view function);

} // namespace asyncio::detail
