//! ONNX Runtime's library is found on this machine.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::printable::quoted;
use crate::{Error, Result};

/// Where system packages and installers put libraries.
const FOLDERS: &[&str] = &[
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/opt/onnxruntime/lib",
    "/opt/homebrew/lib",
];

/// The library that `ORT_DYLIB_PATH` names, or else one in the usual folders, or one in the
/// `onnxruntime` package of the Python on the PATH.
///
/// # Errors
/// If there is no library where `ORT_DYLIB_PATH` says.
pub(super) fn library() -> Result<Option<PathBuf>> {
    if let Some(path) = env::var_os("ORT_DYLIB_PATH").filter(|p| !p.is_empty()) {
        let found = within(Path::new(&path));
        return found.map(Some).map_err(|e| e.context("environment variable ORT_DYLIB_PATH"));
    }
    let beside = env::current_exe().ok().and_then(|exe| Some(exe.parent()?.to_owned()));
    let usual = beside.into_iter().chain(FOLDERS.iter().map(PathBuf::from));
    Ok(usual.filter_map(|folder| in_folder(&folder)).next().or_else(in_python))
}

/// The library that a user names, by its file or its folder.
///
/// # Errors
/// If there is none.
pub(super) fn within(path: &Path) -> Result<PathBuf> {
    let found = if path.is_dir() { in_folder(path) } else { Some(path.to_owned()) };
    found.filter(|p| p.is_file()).ok_or_else(|| {
        Error::input(format!("there is no ONNX Runtime library at {}", quoted(path))).with_hint(
            "name the file (libonnxruntime.so, onnxruntime.dll, libonnxruntime.dylib) or its folder",
        )
    })
}

/// The library in a folder, or in the folder of a Python package.
fn in_folder(folder: &Path) -> Option<PathBuf> {
    let names = |folder: &Path| -> Option<PathBuf> {
        let entries = fs::read_dir(folder).ok()?.flatten().map(|e| e.path());
        entries.filter(|p| p.file_name().is_some_and(is_library)).min()
    };
    names(folder).or_else(|| names(&folder.join("capi")))
}

/// `libonnxruntime.so.1.23.2`, say, but not `libonnxruntime_providers_shared.so`.
fn is_library(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name == "onnxruntime.dll"
        || name
            .strip_prefix("libonnxruntime.")
            .is_some_and(|rest| rest == "so" || rest.starts_with("so.") || rest.ends_with("dylib"))
}

/// The library in the Python on the PATH: among its packages if it is a plain installation or a virtual environment;
/// else Python is run to say where it is.
fn in_python() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let names = if cfg!(windows) { ["python.exe", "python3.exe"] } else { ["python3", "python"] };
    let python = env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|p| p.is_file())?;
    let said = || {
        let code = "import importlib.util as u; s = u.find_spec('onnxruntime'); \
                    print(s.submodule_search_locations[0] if s else '')";
        let mut command = Command::new(&python);
        command.args(["-c", code]).stdin(Stdio::null()).stderr(Stdio::null());
        let answer = String::from_utf8(command.output().ok()?.stdout).ok()?;
        in_folder(Path::new(answer.trim_end()))
    };
    let mut places = packages(&python).peekable();
    match places.peek() {
        // It is a script that starts the real Python.
        None => said(),
        Some(_) => places.find_map(|place| in_folder(&place.join("onnxruntime"))),
    }
}

/// The folders of a Python's packages.
fn packages(python: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let real = fs::canonicalize(python).ok();
    let roots = [Some(python.to_owned()), real].into_iter().flatten();
    let roots = roots.filter_map(|p| Some(p.parent()?.parent()?.to_owned()));
    let home = env::home_dir().map(|home| home.join(".local"));
    roots.chain(home).flat_map(|root| {
        let versions = |lib: &str| fs::read_dir(root.join(lib)).into_iter().flatten().flatten();
        let unix = ["lib", "lib64"].map(versions).into_iter().flatten().map(|e| e.path());
        let unix = unix
            .filter(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with("python3")));
        let places = unix.chain([root.join("Lib"), root.join("../Lib")]);
        places
            .flat_map(|p| ["site-packages", "dist-packages"].map(|s| p.join(s)))
            .filter(|p| p.is_dir())
            .collect::<Vec<_>>()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_recognised_by_their_names() {
        for (name, expected) in [
            ("libonnxruntime.so", true),
            ("libonnxruntime.so.1.32.0", true),
            ("libonnxruntime.1.23.2.dylib", true),
            ("libonnxruntime.dylib", true),
            ("onnxruntime.dll", true),
            ("libonnxruntime_providers_shared.so", false),
            ("onnxruntime_pybind11_state.so", false),
        ] {
            assert_eq!(is_library(OsStr::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn a_package_in_a_virtual_environment_is_found() {
        let root = tempfile::tempdir().unwrap();
        let capi = root.path().join("lib/python3.12/site-packages/onnxruntime/capi");
        fs::create_dir_all(&capi).unwrap();
        fs::create_dir(root.path().join("bin")).unwrap();
        let library = capi.join("libonnxruntime.so.1.30.0");
        for file in [&library, &root.path().join("bin/python3")] {
            fs::write(file, "").unwrap();
        }
        let mut places = packages(&root.path().join("bin/python3"));
        assert_eq!(places.find_map(|p| in_folder(&p.join("onnxruntime"))), Some(library.clone()));
        assert_eq!(within(&library).unwrap(), library);
        assert_eq!(within(&capi).unwrap(), library);
        assert!(within(root.path()).unwrap_err().hint().unwrap().to_string().contains("folder"));
    }
}
