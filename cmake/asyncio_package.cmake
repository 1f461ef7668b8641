# The ladder, and the functions that put packages and programs on it.
#
#   asyncio_package(<name>             one folder, one namespace, one target: asyncio::<name>
#     HEADERS <file>...                the public headers
#     SOURCES <file>...                the sources, and headers that nobody else may see
#     USES    <package>...             packages on lower floors
#     FINDS   "<package> <version>"... what find_package() has to find, here and for users
#     LINKS   <target>...              what these packages are linked as
#     MAIN    <file>)                  a main() to link as asyncio::<name>_main
#
# It is called in src/<name>/CMakeLists.txt. A folder inside a package can be a package too:
# asyncio/testing is asyncio::testing, stands on asyncio's floor, and may use asyncio besides.
#
#   asyncio_program(<name> MAIN <file> SOURCES <file>... USES <package>...)
#
# is called in src/programs/<name>/CMakeLists.txt. It makes bin/<name> of the MAIN; of the SOURCES,
# it makes asyncio::<name>, a library that the program and its tests link. What several programs
# share has no MAIN, and stands one floor below them.

# Floor 0 first; what programs share, and the programs, last. A package uses what stands on a lower
# floor: never sideways, never upwards. tools/tidy reads this list too, and checks the includes.
set(ASYNCIO_FLOORS
  "base"
  "os http1 bs4"
  "asyncio"
  "ssl client"
  "aiofiles websockets asyncpg aioredis aiomysql motor aiosmtplib multiprocessing logging"
  "aiohttp"
  "task_views terminal"
  "acrawl adownload achat afaultproxy atime asyncio-ps asyncio-pstree atour")

# Adds every folder of the ladder that exists.
function(asyncio_add_packages)
  set(rows ${ASYNCIO_FLOORS})
  list(POP_BACK rows programs shared)
  list(APPEND shared ${programs})
  list(TRANSFORM shared REPLACE "([^ ]+)" "programs/\\1")
  if(ASYNCIO_BUILD_PROGRAMS OR ASYNCIO_BUILD_TESTS)
    list(APPEND rows ${shared})
  endif()
  foreach(row IN LISTS rows)
    separate_arguments(folders UNIX_COMMAND "${row}")
    foreach(folder IN LISTS folders)
      if(EXISTS ${PROJECT_SOURCE_DIR}/src/${folder}/CMakeLists.txt)
        add_subdirectory(${PROJECT_SOURCE_DIR}/src/${folder} ${PROJECT_BINARY_DIR}/src/${folder})
      endif()
    endforeach()
  endforeach()
endfunction()

# The number of the floor that `package` stands on; asyncio/testing stands where asyncio does.
function(asyncio_floor_of package out)
  string(REGEX REPLACE "/.*" "" house ${package})
  set(floor 0)
  foreach(row IN LISTS ASYNCIO_FLOORS)
    separate_arguments(names UNIX_COMMAND "${row}")
    if(house IN_LIST names)
      set(${out} ${floor} PARENT_SCOPE)
      return()
    endif()
    math(EXPR floor "${floor} + 1")
  endforeach()
  message(FATAL_ERROR
    "${package} stands on no floor: add it to ASYNCIO_FLOORS in cmake/asyncio_package.cmake")
endfunction()

# The name of a package in asyncio:: and in find_package(): asyncio/testing is `testing`.
function(asyncio_component_of package out)
  string(REGEX REPLACE "^asyncio/" "" component ${package})
  string(REPLACE "/" "_" component ${component})
  set(${out} ${component} PARENT_SCOPE)
endfunction()

# Links `target`, which belongs to `name`, to the packages it uses, or stops at a wrong arrow.
function(asyncio_use name target scope)
  asyncio_floor_of(${name} mine)
  foreach(lower IN LISTS ARGN)
    asyncio_floor_of(${lower} theirs)
    string(FIND "${name}" "${lower}/" inside) # 0: `name` is a folder of the package `lower`
    if(NOT theirs LESS mine AND NOT inside EQUAL 0)
      message(FATAL_ERROR
        "${name} (floor ${mine}) may not use ${lower} (floor ${theirs}): "
        "a package uses lower floors only, see ASYNCIO_FLOORS in cmake/asyncio_package.cmake")
    endif()
    asyncio_component_of(${lower} component)
    if(NOT TARGET asyncio::${component})
      message(FATAL_ERROR "${name} uses ${lower}, but src/${lower} has added no such package")
    endif()
    target_link_libraries(${target} ${scope} asyncio::${component})
  endforeach()
endfunction()

# One folder is one package: a call from another folder is a mistake.
function(asyncio_expect_folder name folder)
  if(NOT CMAKE_CURRENT_SOURCE_DIR STREQUAL ${PROJECT_SOURCE_DIR}/src/${folder})
    message(FATAL_ERROR
      "${name} belongs into src/${folder}, but is declared in ${CMAKE_CURRENT_SOURCE_DIR}")
  endif()
endfunction()

function(asyncio_package name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "MAIN" "HEADERS;SOURCES;USES;FINDS;LINKS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "asyncio_package(${name}): what is ${arg_UNPARSED_ARGUMENTS}?")
  endif()
  asyncio_expect_folder(${name} ${name})
  asyncio_component_of(${name} component)
  set(target asyncio_${component})

  set(kind STATIC)
  set(scope PUBLIC)
  if(NOT arg_SOURCES) # headers only
    set(kind INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(${target} ${kind} ${arg_SOURCES})
  add_library(asyncio::${component} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${component})
  target_compile_features(${target} ${scope} cxx_std_20)
  target_sources(${target} ${scope}
    FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/src FILES ${arg_HEADERS})
  if(arg_SOURCES)
    asyncio_warnings(${target})
    asyncio_precompiled_package(${name} ${target})
  endif()
  asyncio_use(${name} ${target} ${scope} ${arg_USES})
  set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON) # who uses the package is in another folder
  foreach(wanted IN LISTS arg_FINDS)
    separate_arguments(words UNIX_COMMAND "${wanted}")
    find_package(${words} REQUIRED)
  endforeach()
  target_link_libraries(${target} ${scope} ${arg_LINKS})

  set(targets ${target})
  if(arg_MAIN)
    add_library(${target}_main STATIC ${arg_MAIN})
    add_library(asyncio::${component}_main ALIAS ${target}_main)
    set_target_properties(${target}_main PROPERTIES EXPORT_NAME ${component}_main)
    target_link_libraries(${target}_main PUBLIC ${target})
    asyncio_warnings(${target}_main)
    list(APPEND targets ${target}_main)
  endif()
  asyncio_install_package(${component} "${targets}" "${arg_USES}" "${arg_FINDS}")
endfunction()

function(asyncio_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "MAIN" "SOURCES;USES")
  asyncio_expect_folder(${name} programs/${name})
  if(arg_SOURCES)
    add_library(${name}_rooms STATIC ${arg_SOURCES})
    add_library(asyncio::${name} ALIAS ${name}_rooms)
    target_include_directories(${name}_rooms PUBLIC ${PROJECT_SOURCE_DIR}/src)
    asyncio_warnings(${name}_rooms)
    asyncio_precompiled_package(${name} ${name}_rooms)
    asyncio_use(${name} ${name}_rooms PUBLIC ${arg_USES})
  endif()
  if(NOT ASYNCIO_BUILD_PROGRAMS OR NOT arg_MAIN)
    return()
  endif()
  add_executable(${name} ${arg_MAIN})
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  if(arg_SOURCES)
    target_link_libraries(${name} PRIVATE ${name}_rooms)
  else()
    asyncio_use(${name} ${name} PRIVATE ${arg_USES})
  endif()
  asyncio_warnings(${name})
  install(TARGETS ${name} RUNTIME)
endfunction()

# --- find_package(asyncio COMPONENTS ...) --------------------------------------------------------

set(ASYNCIO_INSTALL_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/asyncio)

# Installs a package as a component, with one file that first asks for what the component needs:
# nobody who wants asyncio alone has to have OpenSSL.
function(asyncio_install_package component targets uses finds)
  install(TARGETS ${targets} EXPORT asyncio_${component}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/asyncio-cpp)
  install(EXPORT asyncio_${component} NAMESPACE asyncio::
    FILE asyncio-${component}-targets.cmake DESTINATION ${ASYNCIO_INSTALL_CMAKE_DIR})

  set(text "# What the component ${component} of asyncio needs, and then the component.\n")
  foreach(wanted IN LISTS finds)
    string(APPEND text "find_dependency(${wanted})\n")
  endforeach()
  foreach(lower IN LISTS uses)
    asyncio_component_of(${lower} other)
    string(APPEND text "include(\${CMAKE_CURRENT_LIST_DIR}/asyncio-${other}.cmake)\n")
  endforeach()
  string(APPEND text "include(\${CMAKE_CURRENT_LIST_DIR}/asyncio-${component}-targets.cmake)\n")
  set(file ${PROJECT_BINARY_DIR}/cmake/asyncio-${component}.cmake)
  file(CONFIGURE OUTPUT ${file} CONTENT "${text}" @ONLY)
  install(FILES ${file} DESTINATION ${ASYNCIO_INSTALL_CMAKE_DIR})
endfunction()

function(asyncio_install_config)
  include(CMakePackageConfigHelpers)
  configure_package_config_file(
    ${PROJECT_SOURCE_DIR}/cmake/asyncioConfig.cmake.in
    ${PROJECT_BINARY_DIR}/cmake/asyncioConfig.cmake
    INSTALL_DESTINATION ${ASYNCIO_INSTALL_CMAKE_DIR})
  write_basic_package_version_file(
    ${PROJECT_BINARY_DIR}/cmake/asyncioConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES
    ${PROJECT_BINARY_DIR}/cmake/asyncioConfig.cmake
    ${PROJECT_BINARY_DIR}/cmake/asyncioConfigVersion.cmake
    DESTINATION ${ASYNCIO_INSTALL_CMAKE_DIR})
endfunction()
