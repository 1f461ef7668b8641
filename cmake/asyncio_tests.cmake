# The functions that tests/, examples/, bench/ and fuzz/ are built with.
#
# Paths are relative to the calling folder. A header in a list is one that the sources share.
#
#   asyncio_tests(<folder> USES <package>... SUPPORT <file>... SOURCES <file>...)
#       tests/test_<folder>: all cases of a folder in one executable, with the runner's main().
#       ASYNCIO_TESTS_MATCH chooses among the SOURCES; the SUPPORT is always in it.
#   asyncio_executables(<folder> USES <package>... SOURCES <file>...)
#       <folder>/<file without .cpp>: one executable a file. The <folder> is not said twice:
#       gallery/x.cpp is gallery/x, and in examples, usage/x.cpp is examples/usage/x.
#
#   asyncio_fuzzers(USES <package>... SUPPORT <file>... SOURCES <file>_fuzz.cpp...)
#       fuzz/<file>: one libFuzzer executable a source; each has the SUPPORT.
#
# `tests`, `gallery`, `examples`, `parity`, `canaries` and `fuzzers` are targets that build all of a
# kind.

# The executable at `path` in the build folder; it stands on `uses`, and `group` builds it too.
function(asyncio_executable target path group uses)
  cmake_path(GET path PARENT_PATH folder)
  cmake_path(GET path FILENAME name)
  add_executable(${target} ${ARGN})
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME ${name}
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/${folder})
  asyncio_warnings(${target})
  foreach(package IN LISTS uses)
    asyncio_component_of(${package} component)
    target_link_libraries(${target} PRIVATE asyncio::${component})
  endforeach()
  asyncio_precompiled(${target})
  add_dependencies(${group} ${target})
endfunction()

function(asyncio_group group)
  if(NOT TARGET ${group})
    add_custom_target(${group})
  endif()
endfunction()

function(asyncio_tests folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES;SUPPORT;SOURCES")
  asyncio_group(tests)
  if(ASYNCIO_TESTS_MATCH)
    list(FILTER arg_SOURCES INCLUDE REGEX "${ASYNCIO_TESTS_MATCH}")
  endif()
  if(NOT arg_SOURCES)
    return()
  endif()
  string(REPLACE "/" "_" name test_${folder})
  asyncio_executable(${name} tests/${name} tests "${arg_USES};asyncio/testing"
    ${arg_SOURCES} ${arg_SUPPORT})
  target_link_libraries(${name} PRIVATE asyncio::testing_main)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests) # support/
  add_test(NAME ${name} COMMAND ${name})
endfunction()

# Links `target`, which replaces operator new, to clang's thread sanitizer as a shared library: in
# the static one operator new is not weak.
function(asyncio_own_operator_new target)
  if(NOT TARGET ${target} OR NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang"
     OR NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize=thread")
    return()
  endif()
  execute_process(
    COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libclang_rt.tsan-${CMAKE_SYSTEM_PROCESSOR}.so
    OUTPUT_VARIABLE runtime OUTPUT_STRIP_TRAILING_WHITESPACE)
  cmake_path(GET runtime PARENT_PATH folder)
  target_link_options(${target} PRIVATE -shared-libsan -Wl,-rpath,${folder})
endfunction()

function(asyncio_executables folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES;SOURCES")
  asyncio_group(${folder})
  list(FILTER arg_SOURCES EXCLUDE REGEX "\\.h$")
  foreach(source IN LISTS arg_SOURCES)
    string(REGEX REPLACE "^${folder}/|\\.cpp$" "" path ${source})
    string(REPLACE "/" "_" target ${folder}_${path})
    asyncio_executable(${target} ${folder}/${path} ${folder} "${arg_USES}" ${source})
  endforeach()
endfunction()

function(asyncio_fuzzers)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "USES;SUPPORT;SOURCES")
  asyncio_group(fuzzers)
  foreach(source IN LISTS arg_SOURCES)
    string(REGEX REPLACE "_fuzz\\.cpp$" "" path ${source})
    string(REPLACE "/" "_" target fuzz_${path})
    asyncio_executable(${target} fuzz/${path} fuzzers "${arg_USES}" ${source} ${arg_SUPPORT})
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  endforeach()
endfunction()
