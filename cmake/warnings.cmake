# Warnings: what both compilers have to be silent about. They never reach a user of the libraries.

# asyncio_warnings(<target>): the target's own sources are compiled with all of them.
function(asyncio_warnings target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion
    $<$<BOOL:${ASYNCIO_WERROR}>:-Werror>
    # GCC 12 warns of overlapping copies inside std::string's operator+ (GCC PR 105651).
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>)
endfunction()
