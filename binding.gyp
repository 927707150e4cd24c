{
  # The shipped addon, built against Node's own libuv. CMakeLists.txt builds the same list of
  # sources against the system's libuv for the sanitizers; native/sources.json feeds both.
  "targets": [
    {
      "target_name": "sideloop",
      "sources": [
        "<!@(node -p \"const s = require('./native/sources.json'); s.core.concat(s.binding).join(' ')\")"
      ],
      "include_dirs": [
        "native",
        "<!(node -p \"require('node-addon-api').include_dir\")"
      ],
      "defines": [
        "NAPI_VERSION=9",
        "NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS",
        "NODE_ADDON_API_DISABLE_DEPRECATED",
        # A Worker that is terminated may run JavaScript for a moment more, in which N-API refuses
        # everything: what cannot be thrown then is nobody's to see.
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"
      ],
      "configurations": {
        # Node's own Release leaves assert() alive; ours are for debug and sanitizer builds.
        "Release": { "defines": ["NDEBUG"] }
      },
      "conditions": [
        ["OS == 'linux'", {
          "cflags!": ["-O2"],
          "cflags_cc!": ["-std=gnu++14", "-std=gnu++17"],
          "cflags_cc": [
            "-std=c++20",
            "-O3",
            "-Wall",
            "-Wextra",
            "-fno-exceptions",
            "-fno-rtti",
            "-fvisibility=hidden",
            "-fvisibility-inlines-hidden",
            "-ffunction-sections",
            "-fdata-sections",
            "-ftls-model=global-dynamic"
          ],
          # A Worker that ends would unmap the addon under its running loop thread, so the module is
          # never unloaded. libstdc++ is linked in and hidden: the host's copy may be an older one.
          # libgcc is the host's, which Node needs itself: linked in, it would ask for glibc 2.35.
          "ldflags": [
            "-static-libstdc++",
            "-Wl,--exclude-libs,ALL",
            "-Wl,--version-script=../native/exports.map",
            "-Wl,--gc-sections",
            "-Wl,-z,nodelete",
            "-Wl,-z,relro,-z,now"
          ]
        }],
        ["OS == 'mac'", {
          "xcode_settings": {
            "CLANG_CXX_LANGUAGE_STANDARD": "c++20",
            "CLANG_CXX_LIBRARY": "libc++",
            "MACOSX_DEPLOYMENT_TARGET": "11.0",
            "GCC_OPTIMIZATION_LEVEL": "3",
            "GCC_ENABLE_CPP_EXCEPTIONS": "NO",
            "GCC_ENABLE_CPP_RTTI": "NO",
            "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
            "GCC_INLINES_ARE_PRIVATE_EXTERN": "YES"
          }
        }],
        ["OS == 'win'", {
          "defines": ["NOMINMAX", "WIN32_LEAN_AND_MEAN"],
          "msvs_settings": {
            "VCCLCompilerTool": {
              "AdditionalOptions": ["/std:c++20", "/O2"],
              "ExceptionHandling": 0,
              "RuntimeTypeInfo": "false"
            }
          }
        }]
      ]
    }
  ]
}
