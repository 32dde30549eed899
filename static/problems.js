// A problem's type is a path, /problems/CODE, and all of them lead to this one
// page: go to the part that the path names.

const code = location.pathname.split('/').pop();
if (!location.hash && document.getElementById(code)) {
  location.replace(`#${code}`);
}
